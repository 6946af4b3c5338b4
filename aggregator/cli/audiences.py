"""Who watches the demo: people, who get a story, and machines, who get a document."""

import shutil
import sys
from pathlib import Path
from typing import Final

from aggregator.cli import offer_tables, tables
from aggregator.cli.connection import DEFAULT_URL
from aggregator.cli.printing import console, print_json
from aggregator.client import Progress, SessionAnswer
from aggregator.demo.outcome import as_document
from aggregator.demo.simulated_sites import DATA
from aggregator.demo.story import Offers, Surroundings

_PAGES: Final = (
    ("the sites and their health", "/ui/sites"),
    ("the offers", "/offersets/{offer_set}"),
    ("why in this order", "/offersets/{offer_set}/ranking"),
    ("what each site did", "/offersets/{offer_set}/sites"),
    ("the session", "/sessions/{session}"),
    ("metrics", "/metrics"),
)


class People:
    """Prints each step as it happens."""

    def __init__(self) -> None:
        self._out = console()

    def set_up(self, surroundings: Surroundings, request: str) -> None:
        """Say what runs where, and show the request."""
        self._out.print(f"The meta-broker is at {surroundings.broker}, in front of:")
        for site in surroundings.sites:
            self._out.print(f"  {site.name:<7} {site.url}  {site.description}")
        scale = f"{surroundings.time_scale:g}"
        self._out.print(f"Sessions live {scale} times faster there than the clock.\n")
        self._out.print(f"The request, sent to {surroundings.broker}/offersets:\n")
        self._out.print(request, markup=False)

    def offers_came(self, offers: Offers) -> None:
        """Print the offers in their order, and the sites that made none."""
        shown = frozenset(offer.site for offer in offers.ranking.offers)
        offer_set = offers.offer_set
        count = len(offer_set.offers)
        self._out.print(f"{offer_set.result}: {count} offers, the best first.\n")
        self._out.print(
            offer_tables.ranked_offers(
                offer_set.offers, offers.ranking, width=self._out.width
            )
        )
        missing = offer_tables.missing_sites(offers.sites, shown)
        if missing.row_count:
            self._out.print("\nSites without an offer:\n")
            self._out.print(missing)

    def accepted(self, session: SessionAnswer) -> None:
        """Say which offer was taken."""
        self._out.print(
            f"\nAccepted the first: session {session.uuid}"
            f" at {session.site} is {session.phase}.\n"
        )

    def progressed(self, progress: Progress) -> None:
        """Print the phases that changed."""
        self._out.print(tables.phase_changes(progress))

    def completed(self, session: SessionAnswer) -> None:
        """Print the final record."""
        self._out.print("\nThe final record:\n")
        self._out.print(tables.session_record(session))

    def stays_up(self, surroundings: Surroundings, offers: Offers) -> None:
        """Say where to look, and how to end."""
        offer_set = offers.offer_set
        self._out.print("\nEverything stays up. Look at:")
        for title, path in _PAGES:
            found = path.format(
                offer_set=offer_set.uuid, session=offer_set.offers[0].uuid
            )
            self._out.print(f"  {title:<27} {surroundings.broker}{found}")
        self._out.print("\nOr use it from another terminal:")
        for verb in ("sites", f"request {_nearest(DATA / 'request.yaml')}"):
            line = f"  {_command()} {verb}{_url_option(surroundings.broker)}"
            self._out.print(line, markup=False, soft_wrap=True)
        self._out.print("\nCtrl-C ends it.")


def _command() -> str:
    """Return how the command is called here: its environment may not be active."""
    called = Path(sys.argv[0])
    is_found = shutil.which("metabroker") is not None
    return str(called) if called.name == "metabroker" and not is_found else "metabroker"


def _nearest(path: Path) -> Path:
    """Return ``path`` as it is from the working directory, where it is below that."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _url_option(url: str) -> str:
    return "" if url == DEFAULT_URL else f" --url {url}"


class Machine:
    """Prints one document when the story is over."""

    def __init__(self) -> None:
        self._offers: Offers | None = None

    def set_up(self, surroundings: Surroundings, request: str) -> None:
        """Say nothing yet."""

    def offers_came(self, offers: Offers) -> None:
        """Keep the offers for the end."""
        self._offers = offers

    def accepted(self, session: SessionAnswer) -> None:
        """Say nothing yet."""

    def progressed(self, progress: Progress) -> None:
        """Say nothing yet."""

    def completed(self, session: SessionAnswer) -> None:
        """Print the ranked offers and the final session."""
        assert self._offers is not None
        print_json(as_document(self._offers, session))

    def stays_up(self, surroundings: Surroundings, offers: Offers) -> None:
        """Say nothing more: one document was promised."""
