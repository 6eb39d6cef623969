"""Where a value comes from: the file, line and column that set it, what it replaced, the variables in it. Pure."""

from envman.explanation.explain import explain
from envman.explanation.values import Earlier, Explanation, Using, Value

__all__ = ["Earlier", "Explanation", "Using", "Value", "explain"]
