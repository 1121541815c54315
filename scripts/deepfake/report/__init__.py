"""HTML pages of a run and of classified videos."""

from deepfake.core import library_folders

library_folders.keep_out_of_home()  # before any module here imports matplotlib
