#include "alerts/channels.h"

#include "alerts/telegram.h"

#include <utility>

namespace lectio {
namespace {

Level level_of(Severity severity) {
    switch (severity) {
    case Severity::critical:
        return Level::critical;
    case Severity::warning:
        return Level::warning;
    case Severity::info:
        return Level::info;
    }
    return Level::info;
}

AlertRoute route_of(const Route& route) {
    AlertRoute result{{}, route.tool, route.check, route.to};
    for (const Severity severity : route.severity) {
        result.levels.push_back(level_of(severity));
    }
    return result;
}

std::unique_ptr<Channel> make_telegram(const TelegramChannel& channel, const Config& config) {
    TelegramSettings settings;
    settings.name = channel.name;
    settings.token = channel.token;
    settings.chat = channel.chat.text;
    settings.thread = channel.thread;
    settings.api = channel.api;
    settings.proxy = channel.proxy;
    return std::make_unique<Telegram>(std::move(settings), Voice{config.lang, config.timezone},
                                      (config.paths.logs / "alerts.log").string());
}

} // namespace

std::vector<std::unique_ptr<Channel>> make_channels(const Config& config) {
    std::vector<std::unique_ptr<Channel>> channels;
    for (const TelegramChannel& channel : config.channels) {
        if (channel.unset.empty()) {
            channels.push_back(make_telegram(channel, config));
        }
    }
    return channels;
}

DeliverySettings delivery_settings(const Config& config) {
    DeliverySettings settings;
    settings.state = config.paths.state;
    settings.run = config.paths.run;
    settings.limits = {static_cast<std::size_t>(config.alerts.outbox.messages), config.alerts.outbox.size};
    settings.merge_after = config.alerts.merge_after;
    settings.key_window = config.alerts.key_window;
    settings.voice = {config.lang, config.timezone};
    for (const Route& route : config.routes) {
        settings.routes.push_back(route_of(route));
    }
    return settings;
}

} // namespace lectio
