"""Pages that people look at: of a run, and of a video that was judged."""

import os
import tempfile

# matplotlib writes no file into the home folder, and takes no user's settings from it
os.environ["MPLCONFIGDIR"] = f"{tempfile.gettempdir()}/deepfake-matplotlib-{os.getuid()}"
