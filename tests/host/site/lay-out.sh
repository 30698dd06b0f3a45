#!/bin/sh
# lay-out.sh TOKEN CHAT: runs once inside a fresh host, when its files have been copied there.
set -eu

project=/var/www/teaching_panel
mkdir -p $project/venv/bin /var/lib/teaching_panel /opt/lectio-monitor /var/log/lectio-monitor
ln -s /usr/bin/gunicorn $project/venv/bin/gunicorn

chown -R www-data:www-data $project/frontend /var/lib/teaching_panel

umask 077
cat >/opt/lectio-monitor/config.env <<ENV
# shell assignments, as the bash suite has them
ERRORS_BOT_TOKEN="$1"
ERRORS_CHAT_ID='$2'
ENV

systemctl daemon-reload
systemctl --quiet enable --now bot-api teaching_panel celery-default redis-server
systemctl restart nginx
