"""`deepaas-run` that ends, workers included, when whoever started it is gone: nobody else would end it then.

Its standard input is a pipe that is never written to and is closed by the death of its other end.
"""

import logging
import os
import signal
import sys
import threading


def _watch():
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    # A group of its own, so that the workers end with it, and the session of whoever watches over all of it.
    os.setpgid(0, 0)
    threading.Thread(target=_watch, daemon=True).start()
    # The folder of this file is not the module's business.
    sys.path.pop(0)
    from deepaas.cmd import run

    # A line for each look at a training would bury what the training says.
    logging.getLogger("aiohttp.access").addFilter(lambda record: False)
    sys.argv[0] = "deepaas-run"
    run.main()
