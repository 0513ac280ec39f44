"""The servers that videos are fetched from in `tests/contract/downloads` serve here too."""

from tests.contract.downloads.test_sockets import asked_names, certificate, serve, tls_server

__all__ = ["asked_names", "certificate", "serve", "tls_server"]
