"""Runs on MicroPython: takes COUNT readings of two values and posts them as JSON, 100 at a time.

Arguments: PORT COUNT UPLOAD.  With UPLOAD 0 it only takes them.  What a user would write with the
`requests` that MicroPython ships.
"""

import sys

import requests


def readings(count):
    for index in range(1, count + 1):
        yield {
            "time_ms": index * 100,
            "temperature": 20 + index % 700 / 100,
            "humidity": 40 + index % 333 / 10,
        }


def main(port, count, upload):
    stored = list(readings(count))
    posted = 0
    while upload and posted < len(stored):
        batch = stored[posted : posted + 100]
        answer = requests.post("http://127.0.0.1:%d/readings" % port, json={"readings": batch})
        if answer.status_code != 200:
            raise OSError("status %d" % answer.status_code)
        answer.close()
        posted += len(batch)
    print("uploaded", posted)


main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
