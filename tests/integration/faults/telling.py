"""The channel to the operator: refused, limited, silent, gone; the partner is broken beside each."""

from faults.fault import Fault
from stand_ins.bot_api import Refused

TITLE = "The channel"


def bot(*faults):
    """What the Bot API answers next, while there is something to tell."""
    def inject(site):
        site.break_partner()
        for fault in faults:
            site.bot.fail(fault)
    return inject


def bot_is_down(site):
    site.break_partner()
    site.afterwards(site.bot.start)
    site.bot.stop()


def wrong_token(site):
    site.break_partner()
    env_file = site.keep(site.monitor.folder / "config.env")
    env_file.write_text("ERRORS_BOT_TOKEN=654321:another\n")


def refused(name, inject, *says, level="warning", **more):
    return Fault(name=name, inject=inject, broken={"channel-errors": level, "partner": "critical"}, says=says, looked_at=False, **more)


def in_time(name, inject, **more):
    """It is told in the same run."""
    return Fault(name=name, inject=inject, broken={"partner": "critical"}, says=("HTTP 500", "HTTP 500"), looked_at=False, **more)


def later(name, inject, **more):
    """It waits in the outbox until it is tried again, which the next run does not yet."""
    return in_time(name, inject, quiet=True, **more)


# Nothing is tried again before its time, unless the configuration changes.
STILL_REFUSED = {"quiet": True, "aftermath": {"channel-errors": "critical"}}

FAULTS = [
    later("the Bot API is down", bot_is_down),
    later("the Bot API cuts the connection", bot("drop", "drop", "drop")),
    later("the Bot API answers 502", bot("status 502", "status 502", "status 502")),
    later("the Bot API hangs", bot("hang", "hang")),
    in_time("the answer of the Bot API is lost", bot("cut"), over=""),
    refused("the token is wrong", wrong_token, "", "токен", level="critical", quiet=True, over="🚨✅"),
    refused("the chat is not found", bot(*[Refused(400, "Bad Request: chat not found")] * 3), "", "чат", level="critical",
            **STILL_REFUSED),
    refused("the bot was thrown out of the group", bot(*[Refused(403, "Forbidden: bot was kicked from the supergroup chat")] * 3), "",
            "боту нельзя писать в этот чат", level="critical", **STILL_REFUSED),
    later("the Bot API asks to wait a minute", bot(*[Refused(429, "Too Many Requests: retry after 60", retry_after=60)] * 3)),
]
