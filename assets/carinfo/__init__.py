"""Car information, the pure parts: what is known of a car, VINs, prices between known ones, answers of other systems.

Nothing here asks a database, a cache or the network; `assets.services.car_info` does.
"""
