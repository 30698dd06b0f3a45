#!/bin/sh
# make-certificates.sh FOLDER DAYS [NAME]: ca.pem, and site.pem and site.key for NAME (site.test) and 127.0.0.1
# signed by it.
set -eu
cd "$1"
new_key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
# shellcheck disable=SC2086 # several words on purpose
{
    openssl req -x509 $new_key -keyout ca.key -out ca.pem -days 3650 -subj '/CN=Test CA' \
        -addext basicConstraints=critical,CA:TRUE
    openssl req $new_key -keyout site.key -out site.csr -subj "/CN=${3:-site.test}"
} 2>/dev/null
echo "subjectAltName=DNS:${3:-site.test},IP:127.0.0.1" >site.ext
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days "$2" -extfile site.ext \
    -out site.pem 2>/dev/null
