"""The worker: one queue, one task, Redis as its broker."""

import os

from celery import Celery

app = Celery("teaching_panel", broker=os.environ.get("CELERY_BROKER", "redis://127.0.0.1:6379/0"))


@app.task
def ping():
    return "pong"
