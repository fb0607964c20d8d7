// The worker of the extension, after what lets it stand still.

import "./steps.js";
import "./own-worker.js";
