"""Methods, found by their location: one file per system, in the folder of its question.

| folder | the question |
|---|---|
| `transformation/` | what was done to it? |
| `reconstruction/` | what was there? |
| `invariance/` | is it the same thing? |
| `prediction/` | what comes next, or beside it? |
| `clustering/` | which belong together? |
"""
