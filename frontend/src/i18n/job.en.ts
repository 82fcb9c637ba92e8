// The words about what takes long on a host.
export const jobEn = {
  'job.machine.create': 'Create {name}',
  'job.machine.snapshot.take': 'Take a snapshot of {name}',
  'job.machine.snapshot.revert': 'Take {name} back to a snapshot',
  'job.machine.snapshot.remove': 'Delete a snapshot of {name}',
  'job.host.add': 'Add {name}',
  'job.host.leave': 'Take Hither off {name}',
  'task.list': 'Tasks',
  'job.other': 'Working on {name}',
  'job.on': 'on {host}',
  'job.image.fetch': 'Fetch {name}',
  'job.rate': '{rate}/s',
  'job.seconds': '{n} s',
  'job.left': '{time} left',
  'job.part': '{done} of {total}',
}
