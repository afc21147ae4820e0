"""How a module that is not installed would be."""

from __future__ import annotations

import importlib.util
import sys

# Where the package that has a module is not called like it.
_PACKAGES = {
    "Bio": "biopython",
    "Crypto": "pycryptodome",
    "Levenshtein": "levenshtein",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyOpenSSL",
    "PIL": "pillow",
    "absl": "absl-py",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "community": "python-louvain",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "faiss": "faiss-cpu",
    "fitz": "pymupdf",
    "git": "GitPython",
    "googleapiclient": "google-api-python-client",
    "imblearn": "imbalanced-learn",
    "jwt": "PyJWT",
    "magic": "python-magic",
    "nacl": "PyNaCl",
    "odf": "odfpy",
    "pptx": "python-pptx",
    "psycopg2": "psycopg2-binary",
    "pylab": "matplotlib",
    "ruamel": "ruamel.yaml",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slugify": "python-slugify",
    "snappy": "python-snappy",
    "telegram": "python-telegram-bot",
    "umap": "umap-learn",
    "usb": "pyusb",
    "websocket": "websocket-client",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}
# https://docs.python.org/3/library/removed.html: a package of such a name would be something else.
_REMOVED = [
    "aifc",
    "asynchat",
    "asyncore",
    "audioop",
    "cgi",
    "cgitb",
    "chunk",
    "crypt",
    "distutils",
    "formatter",
    "imghdr",
    "imp",
    "lib2to3",
    "mailcap",
    "msilib",
    "nis",
    "nntplib",
    "ossaudiodev",
    "parser",
    "pipes",
    "smtpd",
    "sndhdr",
    "spwd",
    "sunau",
    "symbol",
    "telnetlib",
    "uu",
    "xdrlib",
]


# Set where there is no network, such as inside of walls.
has_network = True


def hint(error: BaseException) -> str | None:
    """Answer, for a ModuleNotFoundError, how the module would be installed.

    None for what cannot be installed: modules of the standard library, and parts of packages that
    are there.
    """
    if type(error) is not ModuleNotFoundError:
        return None
    name = error.name
    if type(name) is not str or not name.isidentifier() or _is_there(name):
        return None
    if not has_network:
        return f"The module {name} is not installed, and there is no network here to install it."
    package = _PACKAGES.get(name)
    if package is not None:
        return f"The module {name} is not installed. `%pip install {package}` would install it."
    return (
        f"The module {name} is not installed. `%pip install {name}` would install it if its "
        "package has the same name."
    )


def _is_there(name: str) -> bool:
    # Python 3.9 does not list its modules.
    if name in _REMOVED or name in getattr(sys, "stdlib_module_names", ()):
        return True
    return importlib.util.find_spec(name) is not None
