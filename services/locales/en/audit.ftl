## Where a bill stands in the log
proof = In the log
proof-stands = This bill is event { $position } of the { $size } in the site's log.
proof-leaf = Hash of the bill
proof-root = Root over all events
proof-means = The proof holds the bill as it is stored and the hashes beside its way to the root. Whoever knows a root can compute it again from them; hashes say nothing of what others use.
proof-download = Download the proof (JSON)
