'use strict';
// smtp-server as its documentation sets it up: defaults, handlers that say who gets mail, TLS and AUTH.
const fs = require('fs');
const { SMTPServer } = require('smtp-server');

const settings = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const lab = require('lab.js')(settings);

function reply(code, text) {
    return Object.assign(new Error(text), { responseCode: code });
}

const common = {
    name: settings.name,
    key: fs.readFileSync(settings.key),
    cert: fs.readFileSync(settings.certificate),
    disableReverseLookup: true, // there is no DNS in the lab
    size: 10 * 1024 * 1024,
    onAuth(auth, session, callback) {
        // The library leaves to the program whether somebody may act as somebody else.
        if (auth.authzid && auth.authzid !== auth.username) return callback(new Error('No right to act as that user'));
        if (lab.passwordIs(auth.username, auth.password)) return callback(null, { user: auth.username });
        return callback(new Error('Invalid username or password'));
    },
    onRcptTo(address, session, callback) {
        const no = lab.refusal(address.address, Boolean(session.user));
        return no ? callback(reply(550, no)) : callback();
    },
    onData(stream, session, callback) {
        const parts = [];
        stream.on('data', part => parts.push(part));
        stream.on('end', () => {
            // As the documentation has it: the library counts, the application refuses.
            if (stream.sizeExceeded) return callback(reply(552, 'Message exceeds fixed maximum message size'));
            const sender = session.envelope.mailFrom ? session.envelope.mailFrom.address : '';
            const trace = lab.received(session.hostNameAppearsAs, session.remoteAddress, session.transmissionType);
            lab.deliver(Buffer.concat([trace, ...parts]), sender, session.envelope.rcptTo.map(each => each.address));
            callback(null, 'Message queued');
        });
    }
};

const kinds = {
    smtp: { disabledCommands: ['AUTH'] },
    submission: {},
    smtps: { secure: true }
};

for (const [role, options] of Object.entries(kinds)) {
    const server = new SMTPServer({ ...common, ...options });
    server.on('error', error => console.error(role, error.message));
    server.listen(settings.ports[role], settings.host);
}
