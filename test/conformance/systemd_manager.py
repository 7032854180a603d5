# A service manager on a private bus, as far as units of processes go, by jeepney: argv holds the bus and a process number.
import sys

from jeepney import HeaderFields, MessageType, new_error, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

MANAGER = "org.freedesktop.systemd1"
UNIT = "/org/freedesktop/systemd1/unit/web_2eservice"
PROPERTIES = {"Id": "web.service", "FragmentPath": "/etc/systemd/system/web.service"}

connection = open_dbus_connection(sys.argv[1])
connection.send_and_get_reply(message_bus.RequestName(MANAGER))
print("ready", flush=True)
while True:
    message = connection.receive()
    if message.header.message_type is not MessageType.method_call:
        continue
    member = message.header.fields[HeaderFields.member]
    path = message.header.fields[HeaderFields.path]
    if member == "GetUnitByPID" and message.body == (int(sys.argv[2]),):
        connection.send(new_method_return(message, "o", (UNIT,)))
    elif member == "Get" and path == UNIT and message.body[0] == f"{MANAGER}.Unit":
        connection.send(new_method_return(message, "v", (("s", PROPERTIES[message.body[1]]),)))
    elif member == "GetUnitByPID":
        connection.send(new_error(message, f"{MANAGER}.NoUnitForPID", "s", ("no unit",)))
    else:
        connection.send(new_error(message, "org.freedesktop.DBus.Error.UnknownMethod", "s", ("what?",)))
