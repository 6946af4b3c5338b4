"""The configuration: typed settings, sites, links, replicas and ranking policies.

``loading.load`` reads all of it; ``watching`` holds the federation made of it.
"""
