"""Times are kept in UTC and shown in the zone that TZ names."""
import os
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

ZONE = ZoneInfo(os.environ.get("TZ", "Asia/Shanghai"))


def now():
    return datetime.now(timezone.utc).replace(tzinfo=None)


def shown(stored):
    """ISO 8601 with the zone's offset, for example 2026-03-01T20:15:07+08:00."""
    return stored.replace(tzinfo=timezone.utc).astimezone(ZONE).isoformat(timespec="seconds")
