"""The anonymizers, one a file, on :mod:`voxguard.anonymizers.base`."""
