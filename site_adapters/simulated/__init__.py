"""Simulated sites: real servers that behave as the reference broker does.

They are what the demo and the tests federate, in every dialect, with the reference
broker's flaws and with faults at will.
"""

from site_adapters.simulated.faults import Fault
from site_adapters.simulated.handlers import RecordedCall
from site_adapters.simulated.runner import RunningSite, build_application, run
from site_adapters.simulated.site import Operation, SimulatedSite

__all__ = [
    "Fault",
    "Operation",
    "RecordedCall",
    "RunningSite",
    "SimulatedSite",
    "build_application",
    "run",
]
