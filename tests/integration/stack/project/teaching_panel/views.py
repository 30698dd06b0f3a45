"""The health endpoint as the real site has it, and what it becomes while a fault is set."""

from django.db import DatabaseError, connection
from django.http import JsonResponse
from django.utils import timezone

from . import faults


def health(request):
    """GET /api/health/ -> 200 or 500 {"status", "timestamp", "checks": {"database"}}."""
    broken = faults.answer()
    return broken if broken is not None else _health()


def _health():
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        database = "ok"
    except DatabaseError as error:
        database = f"error: {error}"
    good = database == "ok"
    return JsonResponse(
        {
            "status": "healthy" if good else "unhealthy",
            "timestamp": timezone.now().isoformat(),
            "checks": {"database": database},
        },
        status=200 if good else 500,
    )
