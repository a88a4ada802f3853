// Types only: what a file imports as types, as `import {type Event}`, is resolved when it runs, too.
