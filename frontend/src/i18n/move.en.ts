// The words about machines that move to another computer.
export const moveEn = {
  'verb.move': 'Move to…',
  'verb.moveHere': 'Move here',
  'task.move': 'Move {name} to {host}',
  'job.machine.migrate': 'Move {name} to another computer',
  'move.title': 'Move {name} to',
  'move.text': 'Its disks go along. While it runs it goes on running. Windows that show it stay open.',
  'move.none': 'No other computer is online that {host} could be paired with.',
  'move.pair': 'The two computers must be paired with each other and may manage each other.',
}
