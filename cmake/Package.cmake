# The Debian package: cmake --build build/release --target package, or cpack -G DEB --config build/release/CPackConfig.cmake.
# What is in it is what the install() rules say: programs, manual pages, completions and profiles as for install.sh, and in
# the component `package` what install.sh puts into /etc itself, of the same files (packaging/).

# lectio_packaged(FILE FOLDER NAME): FILE with the paths of the package, installed as FOLDER/NAME.
function(lectio_packaged file folder name)
  file(READ ${file} text)
  string(REPLACE "/usr/local/bin/lectio-" "/usr/bin/lectio-" text "${text}")
  file(WRITE ${CMAKE_BINARY_DIR}/package${folder}/${name} "${text}")
  install(FILES ${CMAKE_BINARY_DIR}/package${folder}/${name} DESTINATION ${folder} COMPONENT package EXCLUDE_FROM_ALL)
  set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
endfunction()

# A script of the package, self-contained: what it sources is not there while it runs.
function(lectio_package_script name)
  file(READ ${CMAKE_SOURCE_DIR}/packaging/host.sh host)
  string(REGEX REPLACE "^(#[^\n]*\n)+" "" host "${host}")
  file(READ ${CMAKE_SOURCE_DIR}/packaging/debian/${name} text)
  string(REPLACE "# shellcheck source=packaging/host.sh\nsource packaging/host.sh\n" "${host}" text "${text}")
  string(REPLACE "@LECTIO_UNITS@" "${LECTIO_UNITS}" text "${text}")
  file(WRITE ${CMAKE_BINARY_DIR}/package/${name} "${text}")
  file(CHMOD ${CMAKE_BINARY_DIR}/package/${name}
       PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
               ${CMAKE_SOURCE_DIR}/packaging/host.sh ${CMAKE_SOURCE_DIR}/packaging/debian/${name})
endfunction()

set(LECTIO_PACKAGE_CONTACT "The Lectio monitor suite authors <authors@lectio-monitor.invalid>" CACHE STRING
    "Who is asked about the package")

# systemd looks there on each release of Debian, whether or not /lib is a link.
set(unit_folder /lib/systemd/system)
set(shared /usr/share/lectio-monitor)
set(documents /usr/share/doc/lectio-monitor)

file(GLOB units CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/packaging/systemd/*.service
     ${CMAKE_SOURCE_DIR}/packaging/systemd/timers/*)
foreach(unit IN LISTS units)
  get_filename_component(name ${unit} NAME)
  lectio_packaged(${unit} ${unit_folder} ${name})
  list(APPEND LECTIO_UNITS ${name})
endforeach()
list(JOIN LECTIO_UNITS " " LECTIO_UNITS)
file(GLOB samples CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/packaging/systemd/site/*)
foreach(sample IN LISTS samples)
  get_filename_component(name ${sample} NAME)
  lectio_packaged(${sample} ${documents}/examples ${name})
endforeach()
lectio_packaged(${CMAKE_SOURCE_DIR}/config/config.example.toml ${documents}/examples config.example.toml)
lectio_packaged(${CMAKE_SOURCE_DIR}/crontab.example ${shared} crontab.example)
lectio_packaged(${CMAKE_SOURCE_DIR}/packaging/logrotate /etc/logrotate.d lectio-monitor)
lectio_packaged(${CMAKE_SOURCE_DIR}/packaging/tmpfiles.conf /usr/lib/tmpfiles.d lectio-monitor.conf)
lectio_packaged(${CMAKE_SOURCE_DIR}/README.md ${documents} README.md)
lectio_packaged(${CMAKE_SOURCE_DIR}/README.ru.md ${documents} README.ru.md)
# What the README sends an operator to; how the tools are made is in the repository.
foreach(document configuration history status webhook)
  lectio_packaged(${CMAKE_SOURCE_DIR}/docs/${document}.md ${documents}/docs ${document}.md)
endforeach()
lectio_packaged(${CMAKE_SOURCE_DIR}/CHANGELOG.md ${documents} changelog)
lectio_packaged(${CMAKE_SOURCE_DIR}/LICENSE ${documents} copyright)
lectio_packaged(${CMAKE_SOURCE_DIR}/packaging/debian/lintian-overrides /usr/share/lintian/overrides lectio-monitor)
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${CMAKE_BINARY_DIR}/package/changelog.Debian
     "lectio-monitor (${PROJECT_VERSION}-1) unstable; urgency=medium\n\n  * changelog.gz says what has changed.\n\n"
     " -- ${LECTIO_PACKAGE_CONTACT}  ${now}\n")
install(FILES ${CMAKE_BINARY_DIR}/package/changelog.Debian DESTINATION ${documents} COMPONENT package EXCLUDE_FROM_ALL)
file(WRITE ${CMAKE_BINARY_DIR}/package/conffiles "/etc/logrotate.d/lectio-monitor\n")
set(scripts "")
foreach(script preinst postinst prerm postrm)
  lectio_package_script(${script})
  list(APPEND scripts ${CMAKE_BINARY_DIR}/package/${script})
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME lectio-monitor)
set(CPACK_PACKAGE_VENDOR "The Lectio monitor suite authors")
set(CPACK_PACKAGE_CONTACT ${LECTIO_PACKAGE_CONTACT})
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR})
set(CPACK_INSTALL_CMAKE_PROJECTS
    ${CMAKE_BINARY_DIR} ${PROJECT_NAME} Unspecified / ${CMAKE_BINARY_DIR} ${PROJECT_NAME} package /)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/cmake/compress_documents.cmake)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Small command-line tools, run by cron or systemd's timers: lectio-health looks
at a web service and its host, mends what it may and tells the operator what
was broken; others walk through the site, deploy it as a transaction, back up
its data and prove it, and clean up. No daemon, no database server, no agent.")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "logrotate")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "cron | cron-daemon, libpq5, postgresql-client, redis-server")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${scripts} ${CMAKE_BINARY_DIR}/package/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
