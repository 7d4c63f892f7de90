"""The core of faceapp: no Qt, no SQLAlchemy, and no model package until a model is needed."""

__version__ = "0.1.0"
