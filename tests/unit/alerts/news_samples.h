// News as the judge and the ladder make it, of every kind that lectio-health tells.
#pragma once

#include "incidents/news.h"

#include <chrono>
#include <string>
#include <utility>

namespace lectio {

using namespace std::chrono_literals;

// 2026-01-22 10:12:00 UTC, an hour and twelve minutes after boot.
inline Now sample_now() {
    return {WallTime(std::chrono::milliseconds(1'769'076'720'000)), 72min, "boot-1"};
}

inline Incident sample_incident(std::string check, std::string type, Status status, Text message) {
    Incident incident;
    incident.id = "ABCDEF";
    incident.tool = "health";
    incident.check = std::move(check);
    incident.type = std::move(type);
    incident.status = status;
    incident.message = std::move(message);
    incident.since = sample_now();
    return incident;
}

inline NewsItem sample_item(Event event, Incident incident, Duration lasted = {}) {
    NewsItem item;
    item.event = event;
    item.lasted = lasted;
    item.incident = std::move(incident);
    item.incident.since.wall = sample_now().wall - lasted;
    return item;
}

inline News sample_news(std::vector<NewsItem> items) {
    return {"lectio-health", "lectio-1", sample_now(), std::move(items), {}};
}

inline Incident forbidden_site() {
    Incident incident = sample_incident("site", "http", Status::critical,
                                        {"HTTP 403, expected 200", "HTTP 403, ожидался 200"});
    incident.hint = {"look at the permissions of the build and at nginx's error.log",
                     "проверьте права на сборку и error.log nginx"};
    incident.evidence = "<html><title>403 Forbidden</title>\n<center>nginx</center>\n";
    return incident;
}

inline Incident failed_nginx() {
    Incident incident =
        sample_incident("nginx", "systemd", Status::critical,
                        {"nginx.service failed (exit-code 1)", "nginx.service упала (exit-code 1)"});
    incident.evidence = "nginx: [emerg] unexpected \"}\" in /etc/nginx/sites-enabled/lectio:12\n";
    incident.note = "https://wiki.example.org/nginx";
    return incident;
}

inline Deed sample_deed(std::string action, std::string target, bool ok, Text detail = {},
                        std::vector<std::string> fixed = {}) {
    Deed deed;
    deed.rung = "rung";
    deed.action = std::move(action);
    deed.target = std::move(target);
    deed.ok = ok;
    deed.detail = std::move(detail);
    deed.fixed = std::move(fixed);
    return deed;
}

} // namespace lectio
