"""States of Redis and of Celery's workers."""

import redis

from faults.fault import Fault
from faults.services import HTML
from stack.stack import wait_until

TITLE = "Redis and Celery"

PIECE = 200_000
ASKS_REDIS = {"celery": "redis"}


def database(site, password=None):
    return redis.Redis(port=site.redis_port, password=password)


def setting(**settings):
    """CONFIG SET, undone by a fresh Redis."""
    def inject(site):
        site.afterwards(site.restart, "redis")
        for name, value in settings.items():
            database(site).config_set(name.replace("_", "-"), value)
    return inject


def filled_to(percent):
    def inject(site):
        site.afterwards(database(site).delete, "filler")
        client = database(site)
        while (memory := client.info("memory"))["used_memory"] * 100 < memory["maxmemory"] * percent:
            client.rpush("filler", bytes(PIECE))  # one large value would stay in the buffers of its connection
    return inject


def queue(length):
    def inject(site):
        site.afterwards(database(site).delete, "mail")
        database(site).rpush("mail", *range(length))
    return inject


def queue_is_text(site):
    site.afterwards(database(site).delete, "mail")
    database(site).set("mail", "text")


def replica(site):
    site.afterwards(site.restart, "redis")
    database(site).replicaof("127.0.0.1", 1)


def paused(site):
    site.afterwards(site.restart, "redis")
    database(site).client_pause(60000)


def in_place_of_redis(answer):
    def inject(site):
        site.lose("redis")
        site.listen(site.redis_port, answer)
    return inject


def from_another_queue(site):
    """The worker stops to consume its queue, as after `celery control cancel_consumer`."""
    from celery import Celery  # pylint: disable=import-outside-toplevel  # slow to load
    app = Celery(broker=site.redis_url)
    site.afterwards(site.restart, "celery")
    app.control.cancel_consumer("celery", reply=True)
    wait_until(lambda: all(not queues for queues in app.control.inspect().active_queues().values()), "nobody consumes")
    app.close()


def in_redis(name, inject, *says, level="critical", **more):
    return Fault(name=f"Redis: {name}", inject=inject, broken={"redis": level}, says=says, **more)


FAULTS = [
    Fault(name="redis stopped", inject=lambda site: site.lose("redis"),
          broken={"redis": "critical"}, symptoms={"celery": "redis"}, says=("refused", "отказано")),
    in_redis("hangs (SIGSTOP)", lambda site: site.hang("redis"), "does not answer in time", "не отвечает вовремя", symptoms=ASKS_REDIS),
    in_redis("wants a password", setting(requirepass="made-up"), "refuses the password", "не принимает пароль",
             symptoms=ASKS_REDIS),
    in_redis("takes no more clients", setting(maxclients=1), "max number of clients", "max number of clients",
             symptoms=ASKS_REDIS),
    in_redis("85% of its memory", filled_to(85), "memory:", "память:", level="warning"),
    in_redis("97% of its memory", filled_to(97), "memory:", "память:"),
    in_redis("60 wait in a queue", queue(60), "queue mail: 60 waiting", "очередь mail: ждут 60", level="warning"),
    in_redis("600 wait in a queue", queue(600), "queue mail: 600 waiting", "очередь mail: ждут 600"),
    in_redis("the queue is a text", queue_is_text, "is not a queue", "не очередь", level="warning"),
    Fault(name="Redis: is a read-only replica", inject=replica, broken={"redis": "warning", "celery": "critical"},
          says=("read-only replica", "только для чтения")),
    in_redis("answers nobody (CLIENT PAUSE)", paused, "does not answer in time", "не отвечает вовремя", symptoms=ASKS_REDIS),
    in_redis("is loading its data", in_place_of_redis(b"-LOADING Redis is loading the dataset in memory\r\n"),
             "is loading its data", "загружает данные", symptoms=ASKS_REDIS),
    in_redis("another program speaks in its place", in_place_of_redis(HTML), "something else than Redis", "отвечает не Redis", symptoms=ASKS_REDIS),
    in_redis("says nothing and hangs up", in_place_of_redis(lambda connection: None), "closed the connection", "закры",
             symptoms=ASKS_REDIS),
    Fault(name="Celery's worker stopped", inject=lambda site: site.lose("celery"),
          broken={"celery": "critical"}, says=("no worker is connected", "не подключён ни один воркер")),
    Fault(name="Celery's worker hangs (SIGSTOP)", inject=lambda site: site.hang("celery"), broken={"celery": "critical"},
          says=("0 of 1 workers answered", "ответили 0 из 1 воркеров")),
    Fault(name="Celery's worker left its queue", inject=from_another_queue, broken={"celery": "critical"},
          says=("nobody works off the queue celery", "очередь celery никто не разбирает")),
]
