## Where a bill stands in the log
proof = In the log
proof-stands = This bill is event { $position } of the { $size } in the site's log.
proof-leaf = Hash of the bill
proof-root = Root over all events
proof-means = The proof holds the bill as it is stored and the hashes beside its way to the root. Whoever knows a root can compute it again from them; hashes say nothing of what others use.
proof-download = Download the proof (JSON)

## The evidence as a file
bundle = The evidence as a file
bundle-lead = All events of the site in their order, as they are stored, with the root over them. It holds all that is needed to compute every bill again, time zones too; so it also holds everybody's readings.
bundle-size = Events
bundle-verify = Check it anywhere, without this service: tallywatt verify FILE
bundle-not = It has no signature yet: that others saw the same log shows only where the root was noted elsewhere. Signed checkpoints, witnesses and a bill that proves itself are a later step.
bundle-download = Download the bundle
