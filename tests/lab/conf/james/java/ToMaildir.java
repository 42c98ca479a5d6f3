import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;

import javax.mail.MessagingException;

import org.apache.james.core.MailAddress;
import org.apache.james.server.core.MimeMessageInputStream;
import org.apache.james.transport.mailets.delivery.MailDispatcher;
import org.apache.mailet.Mail;
import org.apache.mailet.base.GenericMailet;

import reactor.core.publisher.Mono;

/** What LocalDelivery does, but into Maildirs, {@code <mail>/<user>/Maildir}: an observer reads those. */
public class ToMaildir extends GenericMailet {
    private MailDispatcher dispatcher;

    @Override
    public void init() throws MessagingException {
        dispatcher = MailDispatcher.builder()
            .mailStore((recipient, mail) -> Mono.<Void>fromCallable(() -> store(recipient, mail)))
            .consume(getInitParameter("consume", true))
            .mailetContext(getMailetContext())
            .build();
    }

    @Override
    public void service(Mail mail) throws MessagingException {
        dispatcher.dispatch(mail);
    }

    private Void store(MailAddress recipient, Mail mail) throws Exception {
        String user = getInitParameter("user", recipient.getLocalPart());
        Path box = Path.of(getInitParameter("mail"), user, "Maildir");
        Path file = box.resolve("tmp").resolve(UUID.randomUUID().toString());
        try (InputStream message = new MimeMessageInputStream(mail.getMessage())) {
            Files.copy(message, file);
        }
        Files.move(file, box.resolve("new").resolve(file.getFileName()));
        return null;
    }
}
