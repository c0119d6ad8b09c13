"""Photos whose names say what reading them does to the process."""

import os
import re
import signal

from glmha_cli.batch.kinds.photo import PhotoKind


class CrashingKind(PhotoKind):
    def read(self, path, options):
        if path.stem == "b":
            os.kill(os.getpid(), signal.SIGSEGV)
        if path.stem == "c":
            re.match("(a+)+b", "a" * 60)
        return super().read(path, options)


CRASHING = CrashingKind()
