"""``assessment.toml``: one assessment in words a person can write and a program can check."""

from safemap.config.load import load_config
from safemap.config.model import AssessmentConfig
from safemap.config.schema import json_schema

__all__ = ["AssessmentConfig", "json_schema", "load_config"]
