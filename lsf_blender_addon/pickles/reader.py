"""A pickle machine without a ``getattr``: it knows the opcodes, and calls only what its caller listed.

Python's own unpickler can be told which names it may look up, but goes on to call, extend and set attributes on
whatever those names gave. Here a name gives a ``Named`` token, a call looks the token's builder up in the caller's
list, and state reaches stand-ins alone.
"""

from __future__ import annotations

import codecs
import io
import pickletools
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import UntrustedFileError

MAXIMUM_OPERATIONS = 5_000_000
"""Far above what a checkpoint needs (about 100,000), far below what fills a machine's memory."""

Builder = Callable[..., Any]

_OPCODES = {opcode.code.encode("latin-1"): opcode for opcode in pickletools.opcodes}
_LITERALS = frozenset(
    {
        "INT",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG",
        "LONG1",
        "LONG4",
        "BINSTRING",
        "SHORT_BINSTRING",
        "BINBYTES",
        "SHORT_BINBYTES",
        "BINBYTES8",
        "BYTEARRAY8",
        "UNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE",
        "BINUNICODE8",
        "FLOAT",
        "BINFLOAT",
    }
)
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: dict[str, Builder] = {"EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "EMPTY_DICT": dict, "EMPTY_SET": set}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class PickleFormatError(ValueError):
    """Bytes that are no complete, well-formed pickle."""


@dataclass(frozen=True)
class Named:
    """A name that a file mentions and the caller allows; ``build`` is None where it may be mentioned, not called."""

    module: str
    name: str
    build: Builder | None

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class StandIn:
    """Takes the place of an object whose class is not loaded; subclasses say what they keep of its state."""

    def set_state(self, state: Any) -> None:
        """Take the state that the file gives the object.

        Raises:
            PickleFormatError: the state is not of the form that such an object has.
        """
        raise NotImplementedError


class RestrictedUnpickler:
    """Reads one pickle from ``data``, beginning at ``position``, which afterwards stands behind it.

    Args:
        data: the bytes; Python 2's strings are read as latin-1.
        allowed: (module, name) → builder called with the file's arguments, or None for names that stay names.
        source: what errors call the file.
        persistent: makes the value of a persistent id; without it they are refused.
        position: where in ``data`` to begin.
        maximum_operations: how many opcodes may be read.
    """

    def __init__(
        self,
        data: bytes,
        allowed: Mapping[tuple[str, str], Builder | None],
        *,
        source: str,
        persistent: Callable[[Any], Any] | None = None,
        position: int = 0,
        maximum_operations: int = MAXIMUM_OPERATIONS,
    ) -> None:
        self._stream = io.BytesIO(data)
        self._stream.seek(position)
        self._allowed = allowed
        self._source = source
        self._persistent = persistent
        self._maximum = maximum_operations
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    @property
    def position(self) -> int:
        """The offset behind the last byte read."""
        return self._stream.tell()

    def load(self) -> Any:
        """The pickle's value.

        Raises:
            UntrustedFileError: the file names or does something that is not allowed, or is past the bounds.
            PickleFormatError: the bytes are no complete pickle, or an array in it does not fit its own shape.
        """
        try:
            return self._load()
        except PickleFormatError:
            raise
        except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError, MemoryError) as error:
            raise PickleFormatError(f"damaged at byte {self.position}: {type(error).__name__}: {error}") from error

    def _load(self) -> Any:
        for _ in range(self._maximum):
            code = self._stream.read(1)
            opcode = _OPCODES.get(code)
            if opcode is None:
                raise PickleFormatError(f"no pickle opcode at byte {self.position - len(code)}")
            if opcode.name == "STOP":
                return self._stack.pop()
            if opcode.name == "STRING":
                self._stack.append(self._quoted())
                continue
            argument = opcode.arg.reader(self._stream) if opcode.arg else None
            self._step(opcode.name, argument)
        raise UntrustedFileError(f"{self._source} holds more than {self._maximum} pickle steps; it is refused.")

    def _step(self, name: str, argument: Any) -> None:
        if name in _LITERALS:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            self._stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            size = _TUPLES[name]
            items = [self._stack.pop() for _ in range(size)]
            self._stack.append(tuple(reversed(items)))
        elif name in self._HANDLERS:
            self._HANDLERS[name](self, argument)
        else:
            raise UntrustedFileError(f"{self._source} uses the pickle feature {name}, which no such file needs.")

    # ---- containers

    def _mark(self, _: Any) -> None:
        self._marks.append(self._stack)
        self._stack = []

    def _items(self) -> list[Any]:
        """What lies above the last mark, which is removed."""
        items, self._stack = self._stack, self._marks.pop()
        return items

    def _tuple(self, _: Any) -> None:
        items = self._items()
        self._stack.append(tuple(items))

    def _list(self, _: Any) -> None:
        items = self._items()
        self._stack.append(items)

    def _dict(self, _: Any) -> None:
        items = self._items()
        self._stack.append({})
        self._set(self._stack[-1], items)

    def _append(self, _: Any) -> None:
        item = self._stack.pop()
        self._list_on_top().append(item)

    def _appends(self, _: Any) -> None:
        items = self._items()
        self._list_on_top().extend(items)

    def _list_on_top(self) -> list[Any]:
        top = self._stack[-1]
        if type(top) is not list:
            raise PickleFormatError("items are appended to something that is no list")
        return top

    def _setitem(self, _: Any) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._set(self._stack[-1], [key, value])

    def _setitems(self, _: Any) -> None:
        items = self._items()
        self._set(self._stack[-1], items)

    def _set(self, target: Any, items: list[Any]) -> None:
        if type(target) not in (dict, OrderedDict) or len(items) % 2:
            raise PickleFormatError("items are set on something that is no dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[_key(key)] = value

    def _additems(self, _: Any) -> None:
        items = self._items()
        target = self._stack[-1]
        if type(target) is not set:
            raise PickleFormatError("items are added to something that is no set")
        target.update(_key(item) for item in items)

    def _frozenset(self, _: Any) -> None:
        items = self._items()
        self._stack.append(frozenset(_key(item) for item in items))

    # ---- the stack and the memo

    def _pop(self, _: Any) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._items()

    def _pop_mark(self, _: Any) -> None:
        self._items()

    def _dup(self, _: Any) -> None:
        self._stack.append(self._stack[-1])

    def _put(self, index: Any) -> None:
        self._memo[int(index)] = self._stack[-1]

    def _memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _get(self, index: Any) -> None:
        self._stack.append(self._memo[int(index)])

    def _nothing(self, _: Any) -> None:
        """PROTO and FRAME only describe the stream."""

    def _quoted(self) -> str:
        """Protocol 0's string: quoted, escaped bytes up to the end of the line."""
        line = self._stream.readline().rstrip(b"\r\n")
        if len(line) < 2 or line[:1] not in (b"'", b'"') or line[-1:] != line[:1]:  # noqa: PLR2004 two quotes
            raise PickleFormatError("a string without its quotes")
        return codecs.escape_decode(line[1:-1])[0].decode("latin-1")

    # ---- names and calls

    def _named(self, module: Any, name: Any) -> Named:
        if not isinstance(module, str) or not isinstance(name, str):
            raise PickleFormatError("a name that is no text")
        try:
            return Named(module, name, self._allowed[module, name])
        except KeyError:
            raise UntrustedFileError(
                f"{self._source} asks for {module[:100]}.{name[:100]}, which such a file has no use for; "
                "it is refused, and nothing of it was run."
            ) from None

    def _global(self, argument: Any) -> None:
        module, _, name = argument.partition(" ")
        self._stack.append(self._named(module, name))

    def _stack_global(self, _: Any) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._stack.append(self._named(module, name))

    def _inst(self, argument: Any) -> None:
        module, _, name = argument.partition(" ")
        items = self._items()
        self._stack.append(self._built(self._named(module, name), tuple(items)))

    def _obj(self, _: Any) -> None:
        items = self._items()
        self._stack.append(self._built(items[0], tuple(items[1:])))

    def _reduce(self, _: Any) -> None:
        arguments, target = self._stack.pop(), self._stack.pop()
        self._stack.append(self._built(target, arguments))

    def _newobj_ex(self, _: Any) -> None:
        keywords, arguments, target = self._stack.pop(), self._stack.pop(), self._stack.pop()
        if keywords != {}:
            raise UntrustedFileError(f"{self._source} makes {target} with keywords, which no such file needs.")
        self._stack.append(self._built(target, arguments))

    def _built(self, target: Any, arguments: Any) -> Any:
        if type(arguments) is not tuple:
            raise PickleFormatError("a call without a tuple of arguments")
        if type(target) is not Named or target.build is None:
            what = str(target) if type(target) is Named else type(target).__name__
            raise UntrustedFileError(f"{self._source} calls {what}, which may not be called; it is refused.")
        return target.build(*arguments)

    def _build(self, _: Any) -> None:
        state = self._stack.pop()
        target = self._stack[-1]
        if isinstance(target, StandIn):
            target.set_state(state)
        elif type(target) is OrderedDict and type(state) is dict:
            pass  # attributes beside the items, as torch's state dicts have: nobody here reads them
        else:
            what = str(target) if type(target) is Named else type(target).__name__
            raise UntrustedFileError(f"{self._source} sets the state of {what}, which no such file needs.")

    def _persid(self, argument: Any) -> None:
        self._stack.append(self._persisted(argument))

    def _binpersid(self, _: Any) -> None:
        self._stack.append(self._persisted(self._stack.pop()))

    def _persisted(self, identity: Any) -> Any:
        if self._persistent is None:
            raise UntrustedFileError(f"{self._source} points outside itself (a persistent id); it is refused.")
        return self._persistent(identity)

    _HANDLERS: Mapping[str, Callable[[RestrictedUnpickler, Any], None]] = {
        "PROTO": _nothing,
        "FRAME": _nothing,
        "MARK": _mark,
        "TUPLE": _tuple,
        "LIST": _list,
        "DICT": _dict,
        "APPEND": _append,
        "APPENDS": _appends,
        "SETITEM": _setitem,
        "SETITEMS": _setitems,
        "ADDITEMS": _additems,
        "FROZENSET": _frozenset,
        "POP": _pop,
        "POP_MARK": _pop_mark,
        "DUP": _dup,
        "PUT": _put,
        "BINPUT": _put,
        "LONG_BINPUT": _put,
        "MEMOIZE": _memoize,
        "GET": _get,
        "BINGET": _get,
        "LONG_BINGET": _get,
        "GLOBAL": _global,
        "STACK_GLOBAL": _stack_global,
        "INST": _inst,
        "OBJ": _obj,
        "REDUCE": _reduce,
        "NEWOBJ": _reduce,
        "NEWOBJ_EX": _newobj_ex,
        "BUILD": _build,
        "PERSID": _persid,
        "BINPERSID": _binpersid,
    }


def _key(value: Any) -> Any:
    """``value`` where it may be a key: hashing nested tuples would recurse as deep as a file likes."""
    if isinstance(value, (str, bytes, int, float, type(None), Named)):
        return value
    if type(value) is tuple and all(isinstance(item, (str, bytes, int, float, type(None), Named)) for item in value):
        return value
    raise PickleFormatError(f"a {type(value).__name__} is no key")
