"""Another program that has a journal's database open: it runs one statement and closes the file. With `hold` it keeps
a reading transaction open until its standard input ends.

    python3 sqlite-outsider.py <file> <sql> [hold]
"""
import sqlite3
import sys

db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=5)
hold = sys.argv[3:] == ["hold"]
if hold:
    db.execute("BEGIN")
db.execute(sys.argv[2]).fetchall()
if hold:
    print("held", flush=True)
    sys.stdin.read()
db.close()
