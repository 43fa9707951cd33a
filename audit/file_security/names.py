"""Which names a pickle may import: those of tensors by an exact list; those that run code by their module.

The list of tensors' names decides; whatever is not on it is not called harmless. The list of modules that
run code only chooses the words, so that a name missing there is "unknown", never "tensors only".
"""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What importing and calling a name means."""

    TENSOR = "tensor"
    CODE = "code"
    UNKNOWN = "unknown"


_STORAGES: tuple[str, ...] = (
    "Double",
    "Float",
    "Half",
    "BFloat16",
    "Long",
    "Int",
    "Short",
    "Char",
    "Byte",
    "Bool",
)
_STORAGES += ("ComplexDouble", "ComplexFloat", "QUInt8", "QInt8", "QInt32", "Untyped", "Typed")
_DTYPES: tuple[str, ...] = (
    "float16",
    "float32",
    "float64",
    "bfloat16",
    "half",
    "float",
    "double",
    "int8",
    "int16",
    "int32",
)
_DTYPES += ("int64", "uint8", "bool", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2")
_ARRAYS = ("numpy.core.multiarray", "numpy._core.multiarray")
_BUILTINS = ("builtins", "__builtin__")
_PLAIN: tuple[str, ...] = (
    "set",
    "frozenset",
    "dict",
    "list",
    "tuple",
    "complex",
    "int",
    "float",
    "bool",
    "str",
    "bytes",
)
_PLAIN += ("bytearray", "slice", "range", "object")
TENSOR_NAMES = frozenset(
    {
        *(("torch", f"{name}Storage") for name in _STORAGES),
        *(("torch", name) for name in _DTYPES),
        *(("torch.storage", f"{name}Storage") for name in ("Untyped", "Typed")),
        *(("torch._utils", f"_rebuild_{name}") for name in ("tensor", "tensor_v2", "parameter", "qtensor")),
        ("torch._utils", "_rebuild_sparse_tensor"),
        ("torch.nn.parameter", "Parameter"),
        ("torch", "Size"),
        ("torch", "Tensor"),
        ("torch", "device"),
        ("torch.serialization", "_get_layout"),
        ("collections", "OrderedDict"),
        *((module, name) for module in _ARRAYS for name in ("_reconstruct", "scalar")),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
        *((module, name) for module in _BUILTINS for name in _PLAIN),
    }
)
"""(module, name) that rebuilds a tensor, an array or a plain container, and does nothing else."""
CODE_MODULES = frozenset(
    [
        "os",
        "posix",
        "nt",
        "subprocess",
        "commands",
        "sys",
        "shutil",
        "socket",
        "runpy",
        "pty",
        "importlib",
        "imp",
        "ctypes",
        "pickle",
        "_pickle",
        "cPickle",
        "marshal",
        "code",
        "codeop",
        "webbrowser",
        "requests",
        "urllib",
        "urllib2",
        "urllib3",
        "httplib",
        "http",
        "ftplib",
        "smtplib",
        "telnetlib",
        "asyncio",
        "multiprocessing",
        "_thread",
        "signal",
        "tempfile",
        "glob",
        "fileinput",
        "operator",
        "_operator",
        "timeit",
        "trace",
        "pdb",
        "bdb",
        "profile",
        "cProfile",
        "idlelib",
        "pip",
        "ensurepip",
        "venv",
        "distutils",
        "setuptools",
        "pkgutil",
        "zipimport",
        "site",
        "doctest",
        "unittest",
        "lib2to3",
        "pydoc",
        "dill",
        "cloudpickle",
        "aiohttp",
        "httpx",
        "paramiko",
        "fabric",
        "sqlite3",
        "dbm",
        "shelve",
        "mmap",
        "atexit",
        "antigravity",
        "linecache",
        "_posixsubprocess",
        "_osx_support",
        "nturl2path",
    ]
)
"""Top-level modules whose functions start processes, read and write files, or run code given as data."""
_RUNNING: tuple[str, ...] = (
    "print",
    "input",
    "breakpoint",
    "globals",
    "locals",
    "vars",
    "map",
    "filter",
    "apply",
    "file",
)
_RUNNING += ("reload",)
CODE_NAMES = frozenset(
    {
        *((module, name) for module in _BUILTINS for name in _RUNNING),
        *(("io", name) for name in ("open", "open_code", "FileIO")),
        *(("types", name) for name in ("FunctionType", "CodeType", "MethodType")),
        *(("functools", name) for name in ("partial", "reduce")),
        ("threading", "Thread"),
        ("uuid", "_popen"),
        ("joblib", "load"),
        ("joblib.numpy_pickle", "load"),
        ("torch", "load"),
        ("torch.storage", "_load_from_bytes"),
        ("torch.hub", "load"),
        ("torch.serialization", "load"),
        ("torch.jit", "load"),
        ("numpy", "load"),
        ("numpy", "fromfile"),
        ("numpy", "memmap"),
        ("numpy.f2py.crackfortran", "getlincoef"),
        ("numpy.testing._private.utils", "runstring"),
        ("pandas", "read_pickle"),
        ("pandas", "eval"),
    }
)
_ACCESS = frozenset(
    [
        "eval",
        "exec",
        "execfile",
        "compile",
        "open",
        "getattr",
        "setattr",
        "delattr",
        "system",
        "popen",
        "__import__",
        "write_text",
        "write_bytes",
        "unlink",
        "__globals__",
        "__builtins__",
        "__subclasses__",
    ]
)


def kind_of(module: str, name: str) -> Kind:
    """What a name is.

    Args:
        module: as the pickle writes it.
        name: may be dotted: a path of attributes, which reaches any module that the first one has imported.
    """
    if (module, name) in TENSOR_NAMES:
        return Kind.TENSOR
    parts = name.split(".")
    reached = CODE_MODULES.intersection(parts[:-1]) or _ACCESS.intersection(parts)
    if module.split(".")[0] in CODE_MODULES or (module, name) in CODE_NAMES or reached:
        return Kind.CODE
    return Kind.UNKNOWN
