'use strict';
// smtp-server with what `options` of the settings wants otherwise.
const fs = require('fs');
const net = require('net');
const { SMTPServer } = require('smtp-server');

const settings = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const lab = require('lab.js')(settings);
const options = settings.options;

function reply(code, text) {
    return Object.assign(new Error(text), { responseCode: code });
}

// Send a message on to where the suite listens.
function relay(octets, sender, recipients) {
    const text = octets.toString('latin1').replace(/^\./gm, '..');
    const rcpt = recipients.map(address => `RCPT TO:<${address}>`);
    const lines = ['EHLO zoo.test', `MAIL FROM:<${sender}>`, ...rcpt, 'DATA', `${text}\r\n.`, 'QUIT'];
    const socket = net.connect(settings.ports.sink, settings.host);
    let reply = '';
    socket.on('error', error => console.error(error.message));
    socket.on('data', data => {
        reply += data;
        if (!/^\d{3} .*\r\n$/m.test(reply)) return;
        reply = '';
        if (lines.length) socket.write(`${lines.shift()}\r\n`, 'latin1');
    });
}

const server = new SMTPServer({
    name: settings.name,
    key: fs.readFileSync(settings.key),
    cert: fs.readFileSync(settings.certificate),
    ciphers: options.certificate === 'short' ? 'DEFAULT:@SECLEVEL=0' : undefined,
    disableReverseLookup: true,
    authOptional: true,
    allowInsecureAuth: options.auth === 'clear',
    disabledCommands: options.tls === 'none' ? ['STARTTLS'] : [],
    useXClient: options.xclient === 'everybody',
    size: 10 * 1024 * 1024,
    onAuth(auth, session, callback) {
        if (lab.passwordIs(auth.username, auth.password)) return callback(null, { user: auth.username });
        return callback(new Error('Invalid username or password'));
    },
    onRcptTo(address, session, callback) {
        const open = options.relay === 'open' && !lab.isLocal(address.address);
        const no = open ? null : lab.refusal(address.address, Boolean(session.user));
        return no ? callback(reply(550, no)) : callback();
    },
    onData(stream, session, callback) {
        const parts = [];
        stream.on('data', part => parts.push(part));
        stream.on('end', () => {
            const sender = session.envelope.mailFrom ? session.envelope.mailFrom.address : '';
            const recipients = session.envelope.rcptTo.map(each => each.address);
            const elsewhere = recipients.filter(address => !lab.isLocal(address));
            lab.deliver(Buffer.concat(parts), sender, recipients.filter(address => lab.isLocal(address)));
            if (elsewhere.length) relay(Buffer.concat(parts), sender, elsewhere);
            callback(null, 'Message queued');
        });
    }
});
server.on('error', error => console.error(error.message));
server.listen(settings.ports.smtp, settings.host);
