#include "words/error_words.h"

#include <array>
#include <optional>
#include <string>

namespace lectio {
namespace {

// A whole part. The English is what the libraries say, letter by letter.
constexpr std::array k_parts{
    // errno (glibc's strerror)
    Phrase{"Operation not permitted", "на это нет прав"},
    Phrase{"Permission denied", "нет прав"},
    Phrase{"No such file or directory", "нет такого файла или папки"},
    Phrase{"Not a directory", "это не папка"},
    Phrase{"Is a directory", "это папка"},
    Phrase{"File exists", "такой файл уже есть"},
    Phrase{"File too large", "файл слишком велик"},
    Phrase{"File name too long", "слишком длинное имя файла"},
    Phrase{"Directory not empty", "папка не пуста"},
    Phrase{"Too many levels of symbolic links", "символические ссылки ведут по кругу"},
    Phrase{"Exec format error", "этот файл нельзя запустить как программу"},
    Phrase{"Text file busy", "файл программы занят: его сейчас записывают"},
    Phrase{"Argument list too long", "слишком длинные аргументы"},
    Phrase{"Invalid argument", "недопустимое значение"},
    Phrase{"Input/output error", "ошибка чтения или записи на диске"},
    Phrase{"No space left on device", "на диске нет места"},
    Phrase{"Disk quota exceeded", "исчерпана квота на диске"},
    Phrase{"Read-only file system", "файловая система доступна только для чтения"},
    Phrase{"Stale file handle", "сетевая папка отвалилась"},
    Phrase{"Structure needs cleaning", "файловая система повреждена"},
    Phrase{"Transport endpoint is not connected", "нет соединения с тем, кто отдаёт эту папку"},
    Phrase{"No such device", "нет такого устройства"},
    Phrase{"No such device or address", "нет такого устройства или адреса"},
    Phrase{"Device or resource busy", "занято"},
    Phrase{"Resource temporarily unavailable", "временно недоступно"},
    Phrase{"Cannot allocate memory", "не хватает памяти"},
    Phrase{"Too many open files", "открыто слишком много файлов"},
    Phrase{"Too many open files in system", "во всей системе открыто слишком много файлов"},
    Phrase{"No buffer space available", "системе не хватает памяти для сети"},
    Phrase{"Cannot assign requested address", "кончились свободные порты или нет такого адреса"},
    Phrase{"Address already in use", "адрес уже занят"},
    Phrase{"Address family not supported by protocol", "адреса этого вида здесь не поддерживаются"},
    Phrase{"Network is down", "сеть выключена"},
    Phrase{"Network is unreachable", "сеть недоступна"},
    Phrase{"No route to host", "туда нет пути по сети"},
    Phrase{"Host is down", "тот сервер выключен"},
    Phrase{"Connection refused", "в соединении отказано"},
    Phrase{"Connection reset by peer", "соединение сброшено другой стороной"},
    Phrase{"Connection timed out", "время ожидания вышло"},
    Phrase{"Software caused connection abort", "соединение прервано"},
    Phrase{"Broken pipe", "другая сторона закрыла соединение"},
    Phrase{"Interrupted system call", "прервано сигналом"},
    // lectio-backup of PostgreSQL
    Phrase{"pg_dump is not installed", "pg_dump не установлен"},
    Phrase{"pg_dump was ended before it was done", "pg_dump завершили, не дав закончить"},
    Phrase{"pg_restore was ended before it was done", "pg_restore завершили, не дав закончить"},
    Phrase{"tar was ended before it was done", "tar завершили, не дав закончить"},
    Phrase{"the backups themselves lie there", "там лежат сами копии"},
    // lectio-backup of programs, encrypted
    Phrase{"it has written nothing", "она ничего не записала"},
    Phrase{"age is not installed", "программа age не установлена"},
    Phrase{"age has not encrypted it", "age ничего не зашифровала"},
    Phrase{"others may write to it", "в него могут писать другие"},
    Phrase{"others may read it (chmod 600, chown root)", "его могут читать другие (chmod 600, chown root)"},
    Phrase{"it is encrypted, and `identity` names no key file that is here",
           "она зашифрована, а файла ключа из `identity` здесь нет"},
    Phrase{"restic is no longer in the configuration", "restic в настройках больше нет"},
    Phrase{"restic does not say what it has made", "restic не говорит, что получилось"},
    Phrase{"wrong password or no key found", "неверный пароль или нет ключа"},
    Phrase{"it has no tables", "в ней нет ни одной таблицы"},
    Phrase{"deploy.backend.database leads to another server than at that time",
           "deploy.backend.database ведёт теперь к другому серверу"},
    Phrase{"another database has taken its place", "на её месте уже другая база"},
    Phrase{"the role may not create databases, so none can be restored",
           "этой роли нельзя создавать базы, восстановить копию некуда"},
    Phrase{"its source is no longer in the configuration", "её источника в настройках больше нет"},
    Phrase{"the URL names no database", "в URL не названа база"},
    Phrase{"no such unit", "такого юнита нет"},
    // getaddrinfo
    Phrase{"Name or service not known", "такого имени нет"},
    Phrase{"No address associated with hostname", "у этого имени нет адреса"},
    Phrase{"Temporary failure in name resolution", "DNS-сервер сейчас не отвечает"},
    Phrase{"Non-recoverable failure in name resolution", "DNS-сервер отвечает ошибкой"},
    Phrase{"Memory allocation failure", "не хватает памяти"},
    Phrase{"System error", "системная ошибка"},
    Phrase{"no address", "нет адреса"},
    Phrase{"the DNS server is silent", "DNS-сервер молчит"},
    // X509_verify_cert_error_string
    Phrase{"unable to get local issuer certificate", "нет доверия к тому, кто его выдал"},
    Phrase{"unable to get issuer certificate", "нет сертификата того, кто его выдал"},
    Phrase{"unable to verify the first certificate", "сервер не отдаёт промежуточный сертификат"},
    Phrase{"self-signed certificate", "он самоподписанный"},
    Phrase{"self-signed certificate in certificate chain", "в цепочке есть самоподписанный сертификат"},
    Phrase{"certificate has expired", "его срок вышел"},
    Phrase{"certificate is not yet valid", "его срок ещё не начался"},
    Phrase{"certificate revoked", "он отозван"},
    Phrase{"certificate rejected", "он отвергнут"},
    Phrase{"certificate signature failure", "его подпись неверна"},
    Phrase{"certificate chain too long", "слишком длинная цепочка"},
    Phrase{"invalid CA certificate", "выдавший его не имеет на это права"},
    Phrase{"unsuitable certificate purpose", "он выдан для другой цели"},
    Phrase{"EE certificate key too weak", "его ключ слишком слаб"},
    Phrase{"CA certificate key too weak", "ключ выдавшего его слишком слаб"},
    Phrase{"permitted subtree violation", "выдавшему его это имя не позволено"},
    Phrase{"excluded subtree violation", "выдавшему его это имя запрещено"},
    Phrase{"path length constraint exceeded", "в цепочке больше звеньев, чем позволено"},
    Phrase{"CA signature digest algorithm too weak", "алгоритм подписи слишком слаб"},
    // OpenSSL's reasons
    Phrase{"wrong version number", "там отвечают без TLS"},
    Phrase{"packet length too long", "там отвечают без TLS"},
    Phrase{"http request", "там отвечают без TLS"},
    Phrase{"unsupported protocol", "только устаревшая версия TLS"},
    Phrase{"tlsv1 alert protocol version", "нет общей версии TLS"},
    Phrase{"no protocols available", "нет общей версии TLS"},
    Phrase{"sslv3 alert handshake failure", "сервер прервал согласование шифрования"},
    Phrase{"tlsv13 alert certificate required", "сервер требует сертификат клиента (client_cert)"},
    Phrase{"tlsv1 alert unknown ca", "сервер не доверяет сертификату клиента (client_cert)"},
    Phrase{"sslv3 alert bad certificate", "сервер не принял сертификат клиента (client_cert)"},
    Phrase{"sslv3 alert certificate expired", "срок сертификата клиента (client_cert) вышел"},
    Phrase{"tlsv1 alert internal error", "внутренняя ошибка сервера"},
    Phrase{"tlsv1 unrecognized name", "сервер не знает такого имени"},
    Phrase{"unexpected eof while reading", "сервер закрыл соединение"},
    Phrase{"the connection was closed", "соединение закрыто"},
    Phrase{"unexpected message", "сервер отвечает не по правилам TLS"},
    Phrase{"unsafe legacy renegotiation disabled", "сервер знает лишь небезопасное старое согласование TLS"},
    // libcurl
    Phrase{"SSL certificate problem", "сертификат не годится"},
    Phrase{"SSL", "сертификат не годится"}, // before what is said of its names
    Phrase{"error setting certificate file", "не удалось прочитать сертификаты из файла"},
    Phrase{"Received HTTP/0.9 when not allowed", "ответ начинается не так, как в HTTP"},
    Phrase{"Unsupported HTTP version in response", "неизвестная версия HTTP в ответе"},
    Phrase{"Invalid Content-Length", "неверная длина ответа (Content-Length)"},
    Phrase{"Illegal or missing hexadecimal sequence in chunked-encoding", "ответ разбит на части неверно"},
    Phrase{"Error while processing content unencoding", "сжатый ответ не распаковывается"},
    Phrase{"out of memory", "не хватает памяти"},
    Phrase{"two different Content-Length headers", "в ответе две разные длины (Content-Length)"},
    Phrase{"no status of three digits", "в ответе нет статуса из трёх цифр"},
    Phrase{"neither http nor https", "это не http и не https"},
    Phrase{"not a URL", "это не URL"},
    Phrase{"the body of a request is not sent on to another server",
           "тело запроса другому серверу не пересылается"},
    Phrase{"more than 5 redirects", "больше пяти перенаправлений"},
    // hiredis
    Phrase{"connect", "соединение"},
    Phrase{"Server closed the connection", "сервер закрыл соединение"},
    Phrase{"no answer in time", "нет ответа вовремя"},
    Phrase{"no full answer in time", "ответ не пришёл целиком вовремя"},
    Phrase{"the broker refuses a command", "брокер отказал в команде"},
    // Redis, PostgreSQL, SQLite
    Phrase{"NOAUTH Authentication required.", "нужен пароль"},
    Phrase{"sorry, too many clients already", "подключений слишком много"},
    Phrase{"remaining connection slots are reserved for non-replication superuser connections",
           "свободных подключений не осталось"},
    Phrase{"unable to use the database", "не удалось прочитать базу"},
    Phrase{"file is not a database", "это не база SQLite"},
    Phrase{"database disk image is malformed", "база повреждена"},
    Phrase{"database is locked", "база заперта"},
    // our own
    Phrase{"the query copies (COPY) instead of giving rows",
           "запрос копирует данные (COPY), а не отдаёт строки"},
    Phrase{"an answer without rows", "ответ без строк"},
    Phrase{"the answer does not hold the figures that were asked for", "в ответе нет того, о чём спросили"},
    Phrase{"the server does not say how large the database is", "сервер не говорит, какого размера база"},
    Phrase{"not a regular file", "это не обычный файл"},
    Phrase{"not an absolute path", "путь не от корня"},
    Phrase{"it is a database that is backed up, or its log", "это сама копируемая база или её журнал"},
    Phrase{"the command is empty", "команда пуста"},
    Phrase{"only root may do that", "это может только root"},
    Phrase{"its end was taken from us", "сведения о её завершении получить не дали"},
    Phrase{"this link may have been laid by another user", "эту ссылку мог подложить другой пользователь"},
    Phrase{"it has more names (hard links), perhaps of another user",
           "у него есть другие имена (жёсткие ссылки), и он может быть чужим"},
    Phrase{"no time left", "не хватило времени"},
    Phrase{"this run was asked to stop", "этому запуску велели остановиться"},
    Phrase{"it belongs to root, and the key `user` does not say who runs it",
           "он принадлежит root, а от чьего имени его запускать, в ключе `user` не сказано"},
    Phrase{"the query did not end in time", "запрос не уложился в отведённое время"},
    Phrase{"it is written to all the time, and the query would keep writers out",
           "в базу всё время пишут, а запрос не пускал бы тех, кто пишет"},
    Phrase{"it changes while it is read", "пока его читают, он меняется"},
    Phrase{"its end is missing", "нет его конца"},
    Phrase{"it holds more than it should", "в нём больше, чем должно быть"},
    Phrase{"it is empty", "он пуст"},
    Phrase{"it is damaged", "он повреждён"},
    Phrase{"it is no SQLite database", "это не база SQLite"},
    Phrase{"systemd is not running on this host", "systemd на этом сервере не запущен"},
    Phrase{"the D-Bus system bus does not answer", "системная шина D-Bus не отвечает"},
    Phrase{"unable to set up OpenSSL", "не удалось подготовить OpenSSL"},
};

// How a part begins; the rest of it, a path or a name, stays. The longer of two with the same beginning comes first.
constexpr std::array k_beginnings{
    Phrase{"unable to see the processes of other users, hidden in ",
           "не видно чужих процессов, их скрывает "},
    Phrase{"unable to open ", "не удалось открыть "},
    Phrase{"unable to read the certificates of ", "не удалось прочитать сертификаты "},
    Phrase{"unable to read ", "не удалось прочитать "},
    Phrase{"unable to write the report", "не удалось вывести отчёт"},
    Phrase{"unable to write ", "не удалось записать "},
    Phrase{"unable to seek in ", "не удалось прочитать "},
    Phrase{"unable to examine the file system of ", "не удалось узнать состояние файловой системы "},
    Phrase{"unable to examine ", "не удалось посмотреть "},
    Phrase{"unable to understand the manifest", "не удалось понять манифест"},
    Phrase{"unable to understand ", "не удалось понять "},
    Phrase{"unable to list ", "не удалось прочитать список "},
    Phrase{"unable to create ", "не удалось создать "},
    Phrase{"unable to make the folder ", "не удалось создать папку "},
    Phrase{"unable to make a pipe", "не удалось создать канал"},
    Phrase{"unable to link ", "не удалось создать ссылку "},
    Phrase{"unable to copy ", "не удалось скопировать "},
    Phrase{"unable to put a copy in place of ", "не удалось поставить копию на место "},
    Phrase{"unable to rename the copy to ", "не удалось переименовать копию в "},
    Phrase{"unable to rename ", "не удалось переименовать "},
    Phrase{"unable to compress ", "не удалось сжать "},
    Phrase{"unable to back up ", "не удалось сделать копию "},
    Phrase{"it is open in ", "она открыта: "},
    Phrase{"unable to restore ", "не удалось восстановить "},
    Phrase{"unable to decrypt ", "не удалось расшифровать "},
    Phrase{"unable to use the recipients in ", "нельзя брать получателей из "},
    Phrase{"unable to use the key file ", "нельзя брать ключ из файла "},
    Phrase{"unable to remove ", "не удалось удалить "},
    Phrase{"unable to stop ", "не удалось остановить "},
    Phrase{"unable to lock ", "не удалось занять блокировку "},
    Phrase{"exit status ", "код завершения "},
    Phrase{"ended by signal ", "завершена сигналом "},
    Phrase{"unable to learn the exit status of ", "не удалось узнать код выхода программы "},
    Phrase{"unable to change the owner of ", "не удалось сменить владельца "},
    Phrase{"unable to change the mode of ", "не удалось сменить права "},
    Phrase{"unable to change ", "не удалось изменить "},
    Phrase{"unable to go into ", "не удалось войти в "},
    Phrase{"unable to sync ", "не удалось сохранить на диск "},
    Phrase{"unable to set the mode of ", "не удалось сменить права "},
    Phrase{"unable to set the owner of ", "не удалось сменить владельца "},
    Phrase{"unable to duplicate a descriptor", "не удалось скопировать дескриптор"},
    Phrase{"unable to start a thread", "не удалось начать поток"},
    Phrase{"unable to start a program", "не удалось запустить программу"},
    Phrase{"unable to start ", "не удалось запустить "},
    Phrase{"unable to run a program as ", "не удалось запустить программу от имени "},
    Phrase{"unable to connect to the D-Bus system bus", "не удалось соединиться с системной шиной D-Bus"},
    Phrase{"unable to look up the user ", "не удалось найти пользователя "},
    Phrase{"unable to look up the group ", "не удалось найти группу "},
    Phrase{"systemd does not answer", "systemd не отвечает"},
    Phrase{"an answer larger than ", "ответ больше "},
    Phrase{"an answer of more than ", "в ответе больше "},
    Phrase{"larger than ", "больше "},
    Phrase{"not found in ", "не найдено в "},
    Phrase{"no user ", "нет пользователя "},
    Phrase{"no group ", "нет группы "},
    Phrase{"password authentication failed for user ", "неверный пароль пользователя "},
    Phrase{"no alternative certificate subject name matches target host name ", "он выдан не для "},
    Phrase{"Connection reset by peer in connection to ", "соединение сброшено другой стороной, "},
    Phrase{"SSL_ERROR_SYSCALL in connection to ", "соединение оборвано, "},
};

// How a part ends, behind a path or a name.
constexpr std::array k_endings{
    Phrase{" is not a regular file", " — не обычный файл"},
    Phrase{" on this host", " на этом сервере"},
    Phrase{" on the server, pg_dump here is older", " на сервере, а pg_dump здесь более старый"},
    Phrase{" is a link, or another user's", " — ссылка или чужой файл"},
    Phrase{" would not be read as meant", " прочитался бы не так, как задумано"},
    Phrase{" holds no certificate in PEM", " — в нём нет сертификата в PEM"},
    Phrase{" was ended before it was done", " завершили, не дав закончить"},
    Phrase{" was ended", " — завершено нами"},
    Phrase{" elements", " элементов"},
};

// Who holds a lock: "/run/x.lock is held by lectio-deploy, process 7, since 2026-01-22T10:00:00Z".
constexpr Phrase k_is_held{" is held", " занято"};
constexpr std::array k_about_the_holder{
    Phrase{" by ", ": "},
    Phrase{", process ", ", процесс "},
    Phrase{", since ", ", с "},
};

std::optional<std::string> holder_in_russian(std::string_view part) {
    const std::size_t held = part.find(k_is_held.in(Lang::en));
    if (held == std::string_view::npos) {
        return std::nullopt;
    }
    std::string words(part.substr(0, held));
    words += k_is_held.in(Lang::ru);
    part.remove_prefix(held + k_is_held.in(Lang::en).size());
    for (const Phrase& about : k_about_the_holder) {
        if (const std::size_t at = part.find(about.in(Lang::en)); at != std::string_view::npos) {
            words.append(part.substr(0, at)).append(about.in(Lang::ru));
            part.remove_prefix(at + about.in(Lang::en).size());
        }
    }
    return words.append(part);
}

std::string part_in_russian(std::string_view part) {
    for (const Phrase& known : k_parts) {
        if (part == known.in(Lang::en)) {
            return std::string(known.in(Lang::ru));
        }
    }
    if (std::optional<std::string> holder = holder_in_russian(part)) {
        return *std::move(holder);
    }
    std::string words;
    for (const Phrase& known : k_beginnings) {
        if (part.starts_with(known.in(Lang::en))) {
            words = known.in(Lang::ru);
            part.remove_prefix(known.in(Lang::en).size());
            break;
        }
    }
    for (const Phrase& known : k_endings) {
        if (part.ends_with(known.in(Lang::en))) {
            part.remove_suffix(known.in(Lang::en).size());
            return words.append(part).append(known.in(Lang::ru));
        }
    }
    return words.append(part);
}

} // namespace

Text error_words(std::string_view message) {
    constexpr std::string_view k_between = ": ";
    Text words{std::string(message), {}};
    for (std::size_t end = message.find(k_between); end != std::string_view::npos;
         end = message.find(k_between)) {
        words.ru.append(part_in_russian(message.substr(0, end))).append(k_between);
        message.remove_prefix(end + k_between.size());
    }
    words.ru += part_in_russian(message);
    return words;
}

} // namespace lectio
