"""Cases: from YAML suite files to immutable data, and back to English."""
