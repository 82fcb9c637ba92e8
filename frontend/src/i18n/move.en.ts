// The words about machines that move to another computer.
export const moveEn = {
  'verb.move': 'Move to…',
  'verb.moveHere': 'Move here',
  'verb.moveOff': 'Shut down and move',
  'move.asking': 'Looking whether it fits…',
  'move.fits': 'It fits there. About {size} are to be copied.',
  'move.off': 'It can move while it is off: it is shut down, moves, and is started there.',
  'task.move': 'Move {name} to {host}',
  'job.machine.migrate': 'Move {name} to another computer',
  'move.title': 'Move {name} to',
  'move.text': 'Its disks and port forwards go along. While it runs it goes on running. Windows that show it stay open.',
  'move.none': 'No other computer is online that {host} could be paired with.',
  'move.pair': 'The two computers must be paired with each other and may manage each other.',
}
