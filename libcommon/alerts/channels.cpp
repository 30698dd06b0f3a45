#include "alerts/channels.h"

#include "alerts/alertmanager.h"
#include "alerts/command.h"
#include "alerts/email.h"
#include "alerts/telegram.h"
#include "alerts/webhook.h"

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
    AlertRoute result{{}, route.tool, route.check, route.to, {}};
    for (const Severity severity : route.severity) {
        result.levels.push_back(level_of(severity));
    }
    if (route.escalate) {
        result.escalate_to = route.escalate->to;
        result.escalate_after = route.escalate->after;
    }
    return result;
}

// One make() a type.
class Maker {
  public:
    Maker(const Config& config, const std::string& name)
        : m_name(name), m_host(config.host), m_voice{config.lang, config.timezone},
          m_rest((config.paths.logs / "alerts.log").string()) {}

    std::unique_ptr<Channel> operator()(const TelegramChannel& channel) const {
        return std::make_unique<Telegram>(telegram_settings(m_name, channel), m_voice, m_rest);
    }
    std::unique_ptr<Channel> operator()(const EmailChannel& channel) const {
        return std::make_unique<Email>(m_name, channel, m_voice, m_rest);
    }
    std::unique_ptr<Channel> operator()(const WebhookChannel& channel) const {
        return std::make_unique<Webhook>(m_name, channel, m_voice, m_rest);
    }
    std::unique_ptr<Channel> operator()(const AlertmanagerChannel& channel) const {
        return std::make_unique<Alertmanager>(m_name, channel, m_voice, m_host, m_rest);
    }
    std::unique_ptr<Channel> operator()(const CommandChannel& channel) const {
        return std::make_unique<Command>(m_name, channel, m_voice, m_rest);
    }

  private:
    std::string m_name, m_host;
    Voice m_voice;
    std::string m_rest;
};

} // namespace

TelegramSettings telegram_settings(const std::string& name, const TelegramChannel& channel) {
    TelegramSettings settings;
    settings.name = name;
    settings.token = channel.token;
    settings.chat = channel.chat.text;
    settings.thread = channel.thread;
    settings.api = channel.api;
    settings.proxy = channel.proxy;
    settings.buttons =
        channel.operators.empty() ? TelegramSettings::Buttons::none : TelegramSettings::Buttons::under_alerts;
    return settings;
}

std::vector<std::unique_ptr<Channel>> make_channels(const Config& config) {
    std::vector<std::unique_ptr<Channel>> channels;
    for (const ChannelSettings& channel : config.channels) {
        if (channel.unset.empty()) {
            channels.push_back(std::visit(Maker(config, channel.name), channel.own));
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
    settings.failover = config.alerts.failover;
    settings.quiet = config.alerts.quiet;
    settings.per_hour = config.alerts.per_hour;
    settings.voice = {config.lang, config.timezone};
    settings.markers = marker_paths(config.paths.run, config.mute_file);
    settings.always_muted = config.always_muted;
    settings.routes = routes_of(config);
    return settings;
}

std::vector<AlertRoute> routes_of(const Config& config) {
    std::vector<AlertRoute> routes;
    for (const Route& route : config.routes) {
        routes.push_back(route_of(route));
    }
    return routes;
}

} // namespace lectio
