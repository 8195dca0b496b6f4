"""What a checkpoint says of its number formats: ``checkpoint_format`` and a reader for every tool that writes one."""
