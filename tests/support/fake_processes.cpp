#include "support/fake_processes.h"

namespace lectio {

ProcessAnswer exited(int status, std::string out, std::string err) {
    ProcessAnswer answer;
    answer.exit_status = status;
    answer.out = std::move(out);
    answer.err = std::move(err);
    return answer;
}

Result<ProcessAnswer> FakeProcesses::run(const ProcessRequest& request) {
    const std::scoped_lock lock(m_mutex);
    m_asked.push_back(request);
    const auto answer = answers.find(request.command.front());
    return answer == answers.end()
               ? Result<ProcessAnswer>(Error{ErrorKind::not_found,
                                             "unable to start " + request.command.front() + ": not there"})
               : answer->second;
}

std::vector<ProcessRequest> FakeProcesses::asked() const {
    const std::scoped_lock lock(m_mutex);
    return m_asked;
}

} // namespace lectio
