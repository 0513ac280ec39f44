"""The vendors by name, each made when first asked for: most invocations talk to one or to none."""

from collections.abc import Callable, Mapping

from stillmotion.domain.request import VendorName
from stillmotion.ports.vendor import Vendor


class Vendors:
    """A mapping that makes its values late and once. `prepare` runs before each is handed out."""

    def __init__(
        self,
        makers: Mapping[VendorName, Callable[[], Vendor]],
        prepare: Callable[[], object] = lambda: None,
        has_key: Callable[[VendorName], bool] = lambda _name: True,
    ) -> None:
        self._makers = makers
        self._prepare = prepare
        self.has_key = has_key
        self._made: dict[VendorName, Vendor] = {}

    def __getitem__(self, name: VendorName) -> Vendor:
        self._prepare()
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]
