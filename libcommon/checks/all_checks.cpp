#include "checks/all_checks.h"

#include "checks/celery.h"
#include "checks/clock.h"
#include "checks/cmdline.h"
#include "checks/containers.h"
#include "checks/cron.h"
#include "checks/disk.h"
#include "checks/django.h"
#include "checks/dns.h"
#include "checks/docker.h"
#include "checks/drift.h"
#include "checks/exec.h"
#include "checks/file.h"
#include "checks/freshness.h"
#include "checks/frontend.h"
#include "checks/growth.h"
#include "checks/headers.h"
#include "checks/http.h"
#include "checks/journal.h"
#include "checks/load.h"
#include "checks/log.h"
#include "checks/memory.h"
#include "checks/nginx.h"
#include "checks/ports.h"
#include "checks/postgres.h"
#include "checks/pressure.h"
#include "checks/process.h"
#include "checks/reboot.h"
#include "checks/redis.h"
#include "checks/secrets.h"
#include "checks/sqlite.h"
#include "checks/systemd.h"
#include "checks/tcp.h"
#include "checks/tls.h"

#include <algorithm>
#include <vector>

namespace lectio {

std::span<const CheckType> all_checks() {
    // In alphabetical order, one row a type.
    // clang-format off
    static const std::vector<CheckType> types{
        celery_check_type(),
        clock_check_type(),
        cmdline_check_type(),
        containers_check_type(),
        cron_check_type(),
        disk_check_type(),
        django_check_type(),
        dns_check_type(),
        docker_check_type(),
        drift_check_type(),
        exec_check_type(),
        file_check_type(),
        freshness_check_type(),
        frontend_check_type(),
        growth_check_type(),
        headers_check_type(),
        http_check_type(),
        journal_check_type(),
        load_check_type(),
        log_check_type(),
        memory_check_type(),
        nginx_check_type(),
        ports_check_type(),
        postgres_check_type(),
        pressure_check_type(),
        process_check_type(),
        reboot_check_type(),
        redis_check_type(),
        secrets_check_type(),
        sqlite_check_type(),
        systemd_check_type(),
        tcp_check_type(),
        tls_check_type(),
    };
    // clang-format on
    return types;
}

const CheckType* find_check_type(std::string_view name) {
    const std::span<const CheckType> types = all_checks();
    const auto found =
        std::find_if(types.begin(), types.end(), [&](const CheckType& type) { return type.name == name; });
    return found == types.end() ? nullptr : &*found;
}

} // namespace lectio
