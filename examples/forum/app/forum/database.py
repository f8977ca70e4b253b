"""The connection to MariaDB: one per thread, kept between requests; a transaction per request."""
import logging
import os
import threading
import time

import pymysql
from pymysql.cursors import DictCursor

log = logging.getLogger("forum.database")
START_PATIENCE = 60  # seconds that a starting application waits for its database

Unavailable = pymysql.err.OperationalError
Duplicate = pymysql.err.IntegrityError

TABLES = [
    """CREATE TABLE IF NOT EXISTS users (
         id INT PRIMARY KEY AUTO_INCREMENT,
         name VARCHAR(20) NOT NULL UNIQUE,
         password_hash VARCHAR(255) NOT NULL,
         created_at DATETIME NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS sessions (
         token_hash CHAR(64) PRIMARY KEY,
         user_id INT NOT NULL,
         expires_at DATETIME NOT NULL,
         INDEX (expires_at),
         FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE)""",
    """CREATE TABLE IF NOT EXISTS topics (
         id INT PRIMARY KEY AUTO_INCREMENT,
         user_id INT NOT NULL,
         title VARCHAR(100) NOT NULL,
         body MEDIUMTEXT NOT NULL,
         replies INT NOT NULL DEFAULT 0,
         created_at DATETIME NOT NULL,
         active_at DATETIME NOT NULL,
         INDEX (active_at, id),
         FOREIGN KEY (user_id) REFERENCES users (id))""",
    """CREATE TABLE IF NOT EXISTS replies (
         id INT PRIMARY KEY AUTO_INCREMENT,
         topic_id INT NOT NULL,
         user_id INT NOT NULL,
         body MEDIUMTEXT NOT NULL,
         created_at DATETIME NOT NULL,
         INDEX (topic_id, id),
         FOREIGN KEY (topic_id) REFERENCES topics (id) ON DELETE CASCADE,
         FOREIGN KEY (user_id) REFERENCES users (id))""",
]

_local = threading.local()


def create_tables():
    """Creates what is missing. Waits for a database that is still starting."""
    deadline = time.monotonic() + START_PATIENCE
    while True:
        try:
            with connection().cursor() as cursor:
                for table in TABLES:
                    cursor.execute(table)
            connection().commit()
            close()  # gunicorn's workers must not share a connection
            return
        except Unavailable as error:
            close()
            if time.monotonic() > deadline:
                raise
            log.info("waiting for the database: %s", error)
            time.sleep(1)


def connection():
    """This thread's connection, opened again if the server has closed it meanwhile."""
    open_connection = getattr(_local, "connection", None)
    if open_connection is None:
        open_connection = _local.connection = pymysql.connect(
            host=os.environ.get("DB_HOST", "mysql"),
            port=int(os.environ.get("DB_PORT", "3306")),
            user=os.environ.get("DB_USER", "forum"),
            password=os.environ["DB_PASSWORD"],
            database=os.environ.get("DB_NAME", "thss"),
            charset="utf8mb4", cursorclass=DictCursor, connect_timeout=5, read_timeout=20, write_timeout=20)
        _local.fresh = True
    elif not getattr(_local, "fresh", False):
        open_connection.ping(reconnect=True)
        _local.fresh = True
    return open_connection


def execute(sql, *parameters):
    """Runs a statement; returns the id of the row that it inserted."""
    with connection().cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.lastrowid


def query(sql, *parameters):
    with connection().cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def query_one(sql, *parameters):
    rows = query(sql, *parameters)
    return rows[0] if rows else None


def commit():
    connection().commit()


def end_request(_error=None):
    """Drops what the request has not committed, and its view of the data."""
    open_connection = getattr(_local, "connection", None)
    if open_connection is None:
        return
    try:
        open_connection.rollback()
    except pymysql.err.Error:
        close()
    _local.fresh = False


def close():
    open_connection = getattr(_local, "connection", None)
    _local.connection = None
    if open_connection is not None and open_connection.open:
        open_connection.close()
