"""Ends with 0 when the application in this container answers and reaches its database."""
import sys
import urllib.request

try:
    urllib.request.urlopen("http://127.0.0.1:5000/api/v1/health", timeout=4).read()
except OSError as error:
    sys.exit(f"unhealthy: {error}")
