'use strict';
// smtp-server with what `options` of the settings wants otherwise.
const fs = require('fs');
const { SMTPServer } = require('smtp-server');

const settings = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const lab = require('lab.js')(settings);
const options = settings.options;

function reply(code, text) {
    return Object.assign(new Error(text), { responseCode: code });
}

const server = new SMTPServer({
    name: settings.name,
    key: fs.readFileSync(settings.key),
    cert: fs.readFileSync(settings.certificate),
    ciphers: options.certificate === 'short' ? 'DEFAULT:@SECLEVEL=0' : undefined,
    disableReverseLookup: true,
    authOptional: true,
    allowInsecureAuth: options.auth === 'clear',
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
            lab.deliver(Buffer.concat(parts), sender, session.envelope.rcptTo.map(each => each.address));
            callback(null, 'Message queued');
        });
    }
});
server.on('error', error => console.error(error.message));
server.listen(settings.ports.smtp, settings.host);
