"""How much sooner sessions really start under our ranking, in a simulated SRCNet.

    python -m bench.ranking_study [--requests 3000] [--worlds 5] [--out docs]

Every strategy lives through the same requests, queues, links and failures in a world of
its own, because what one chooses changes the queues that it meets later.
"""
