"""Start a server as a child that cannot outlive its parent, under a user that is not root.

PostgreSQL refuses to run as root, so a stack that root starts gives its servers a user of their own. That user must be
able to pass through the folders that lead to the server's program and data; where a folder is closed (`/root`, a
temporary folder), the user is granted passage through that folder alone, by an access control list. Nobody else gains
anything, and no file in it becomes readable.
"""

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

USER_NAME = "ketenhub-data"
"""System user of the local PostgreSQL and Valkey when root starts them."""

_FALLBACK_USERS = ("postgres", "nobody")
_PR_SET_PDEATHSIG = 1
_ACL = "system.posix_acl_access"
_ACL_VERSION = 2
_ACL_USER_OBJ, _ACL_USER, _ACL_GROUP_OBJ, _ACL_MASK, _ACL_OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_ACL_NO_ID = 0xFFFFFFFF


class LocalServerError(Exception):
    """A server of the local stack could not be started or stopped; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerUser:
    """User that a server runs under; `None` fields mean: the user that we are."""

    uid: int | None
    gid: int | None

    def own(self, path: Path, *, mode: int) -> None:
        """Give a file or folder to this user."""
        path.chmod(mode)
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def server_user() -> ServerUser:
    """Return the user for servers: ourselves, or a system user if we are root.

    The system user is created where the machine can do that, so that it owns nothing else.
    """
    if os.geteuid() != 0:
        return ServerUser(uid=None, gid=None)
    useradd = shutil.which("useradd") or shutil.which("useradd", path="/usr/sbin:/sbin")
    if useradd is not None and not _known(USER_NAME):
        shell = "/usr/sbin/nologin"
        # Two stacks may start at once: the one that comes second finds the user there, and its failure says nothing.
        subprocess.run(
            [useradd, "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", shell, USER_NAME],
            check=False,
            capture_output=True,
        )
    for name in (USER_NAME, *_FALLBACK_USERS):
        if _known(name):
            entry = pwd.getpwnam(name)
            return ServerUser(uid=entry.pw_uid, gid=entry.pw_gid)
    raise LocalServerError("root cannot run PostgreSQL and no other user was found: create one, or run as another user")


def grant_passage(path: Path, *, user: ServerUser) -> None:
    """Let a server's user pass through every folder above `path`.

    Raises:
        LocalServerError: A folder is closed and its file system takes no access control list.
    """
    if user.uid is None:
        return
    for folder in reversed(path.resolve().parents):
        if not _may_pass(folder, user):
            try:
                os.setxattr(folder, _ACL, _acl_with_passage(folder, user.uid))
            except OSError as error:
                name = pwd.getpwuid(user.uid).pw_name
                raise LocalServerError(
                    f"user `{name}` cannot pass through `{folder}`: run `chmod o+x {folder}`, or use another folder"
                ) from error


def start_child(
    command: list[str], *, user: ServerUser, log_path: Path, environment: dict[str, str] | None
) -> subprocess.Popen[bytes]:
    """Start a program whose output goes to a file, and that is asked to stop (SIGINT) when we die.

    Call it from the main thread: Linux sends the signal when the thread that started the child ends. Where the
    kernel has no such signal (macOS) the child must be stopped by its parent.

    Args:
        command: Program with its arguments; an absolute path.
        user: Who the program runs as.
        log_path: File that standard output and error are appended to.
        environment: Variables in place of our own; None: our own.
    """
    shim = [sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(os.getpid())]
    identity = [str(-1 if user.uid is None else user.uid), str(-1 if user.gid is None else user.gid)]
    with log_path.open("ab") as log:
        return subprocess.Popen(
            [*shim, *identity, *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            cwd="/",
            start_new_session=True,  # the terminal's Ctrl-C is for the stack, which stops its servers in order
        )


def stop_child(process: subprocess.Popen[bytes], *, ask: signal.Signals, timeout_seconds: float = 20.0) -> None:
    """Ask a child to stop, and kill it if it does not."""
    if process.poll() is None:
        process.send_signal(ask)
        try:
            process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def wheel_folder(package: str) -> Path:
    """Return where a wheel with a server's programs is installed, without importing it.

    Raises:
        LocalServerError: It is not installed.
    """
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise LocalServerError(f"`{package}` is not installed: install the extra `local`")
    return Path(found.origin).resolve().parent


def _known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _may_pass(folder: Path, user: ServerUser) -> bool:
    found = folder.stat()
    if found.st_uid == user.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == user.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH) or _acl_has(folder, user.uid)


def _acl_has(folder: Path, uid: int | None) -> bool:
    entries = _acl_entries(folder)
    # The mask bounds what an entry gives: a chmod on the folder may have taken it away.
    mask = next((permission for tag, permission, _ in entries if tag == _ACL_MASK), 7)
    return any(
        tag == _ACL_USER and permission & mask & stat.S_IXOTH and holder == uid for tag, permission, holder in entries
    )


def _acl_entries(folder: Path) -> list[tuple[int, int, int]]:
    """Read a folder's access control list; made from its mode where it has none."""
    try:
        data = os.getxattr(folder, _ACL)
    except OSError:
        mode = folder.stat().st_mode
        return [
            (_ACL_USER_OBJ, mode >> 6 & 7, _ACL_NO_ID),
            (_ACL_GROUP_OBJ, mode >> 3 & 7, _ACL_NO_ID),
            (_ACL_OTHER, mode & 7, _ACL_NO_ID),
        ]
    return list(struct.iter_unpack("<HHI", data[4:]))


def _acl_with_passage(folder: Path, uid: int) -> bytes:
    """Source: Linux `posix_acl_xattr.h`; entries stand in the order of their tags, then of the ids."""
    kept = [
        entry for entry in _acl_entries(folder) if entry[0] != _ACL_MASK and (entry[0], entry[2]) != (_ACL_USER, uid)
    ]
    entries = [*kept, (_ACL_USER, stat.S_IXOTH, uid)]
    mask = 0
    for tag, permission, _ in entries:
        mask |= permission if tag not in {_ACL_USER_OBJ, _ACL_OTHER} else 0
    entries.append((_ACL_MASK, mask, _ACL_NO_ID))
    packed = b"".join(struct.pack("<HHI", *entry) for entry in sorted(entries, key=lambda entry: (entry[0], entry[2])))
    return struct.pack("<I", _ACL_VERSION) + packed


def _become_child() -> None:
    """Run as the shim between parent and server: drop privileges, ask for the signal, become the program."""
    parent, uid, gid = (int(argument) for argument in sys.argv[1:4])
    command = sys.argv[4:]
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After setuid, which clears it.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
        if os.getppid() != parent:
            raise SystemExit(1)
    os.execv(command[0], command)  # noqa: S606  the program becomes this process; there is nothing for a shell to do


if __name__ == "__main__":
    _become_child()
