"""Cases: the functions that are marked so, run in their order and reported by their names; and waiting for what comes."""
import sys
import time
import traceback

CASES = []
PATIENCE = 60


def case(function):
    CASES.append(function)
    return function


def eventually(what, look, patience=PATIENCE):
    """The first truthy answer of `look`, within so many seconds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {patience} s for {what}")


def run(part=""):
    """Runs the cases whose names hold `part`, and ends the program: with 1 if one fails, or there is none."""
    chosen = [each for each in CASES if part in each.__name__]
    failed = 0
    for each in chosen:
        started = time.monotonic()
        try:
            each()
            print(f"ok   {each.__name__} ({time.monotonic() - started:.1f} s)", flush=True)
        except Exception:
            failed += 1
            print(f"FAIL {each.__name__}\n{traceback.format_exc()}", flush=True)
    print(f"{len(chosen) - failed} of {len(chosen)} cases pass")
    sys.exit(1 if failed or not chosen else 0)
