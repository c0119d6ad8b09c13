"""Makes a Linux process lack what Windows or macOS lacks, before glmha is loaded: found by Python at its start.

GLMHA_TEST_SYSTEM names the system. Only what glmha itself calls is taken away: the standard library and the libraries
below need what was there when they were built.
"""

import builtins
import os
import signal
import sys

LACKING = {
    "windows": {
        "modules": {"resource", "fcntl", "pwd", "grp", "termios", "tty"},
        "os": {"sched_getaffinity", "getuid", "geteuid", "fork", "killpg", "setsid", "mkfifo", "statvfs", "getloadavg"},
        "signal": {"SIGHUP", "SIGQUIT", "SIGUSR1", "pthread_sigmask", "setitimer"},
        "flags": {"O_NOFOLLOW", "O_DIRECTORY", "O_CLOEXEC", "O_NONBLOCK"},
    },
    "macos": {"modules": set(), "os": {"sched_getaffinity", "sysconf_names"}, "signal": set(), "flags": set()},
}
SYSTEM = os.environ["GLMHA_TEST_SYSTEM"]
HIDDEN = ("/proc", "/sys")


def is_ours(depth: int = 2) -> bool:
    """Whether glmha's own code asks."""
    return sys._getframe(depth).f_globals.get("__name__", "").startswith("glmha_cli")


class Lacking:
    """A module without some of its names, as glmha sees it."""

    def __init__(self, module, names):
        self.__dict__.update(module=module, names=names)

    def __getattr__(self, name):
        if name in self.names:
            raise AttributeError(f"module '{self.module.__name__}' has no attribute '{name}'")
        return getattr(self.module, name)

    def __setattr__(self, name, value):
        setattr(self.module, name, value)


STAND_INS = {
    "os": Lacking(os, LACKING[SYSTEM]["os"] | LACKING[SYSTEM]["flags"]),
    "signal": Lacking(signal, LACKING[SYSTEM]["signal"]),
}
imported = builtins.__import__


def import_as_there(name, globals=None, locals=None, fromlist=(), level=0):
    ours = (globals or {}).get("__name__", "").startswith("glmha_cli") and not level
    if ours and name in LACKING[SYSTEM]["modules"]:
        raise ModuleNotFoundError(f"No module named '{name}'", name=name)
    if ours and name in STAND_INS:
        return STAND_INS[name]
    return imported(name, globals, locals, fromlist, level)


def without_hidden(function):
    def opened(file, *arguments, **options):
        if isinstance(file, (str, bytes, os.PathLike)) and os.fsdecode(file).startswith(HIDDEN):
            raise FileNotFoundError(2, "No such file or directory", file)
        return function(file, *arguments, **options)

    return opened


builtins.__import__ = import_as_there
builtins.open = without_hidden(builtins.open)
if SYSTEM == "macos":
    import resource

    def refuse(*arguments):
        raise ValueError("current limit exceeds maximum limit")  # of RLIMIT_AS, by macOS

    resource.setrlimit = refuse
