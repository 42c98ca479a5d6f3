"""The pytest plugin: inert until ``--smtp-target`` or the ini option ``smtp_target`` names a server."""
