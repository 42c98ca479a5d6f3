"""The proof: every case passes on the reference server and is tripped by a fault; every fault trips what it breaks."""
